"""`manage.py sign_on`: what whoever runs the server does about an organization's single sign-on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

import orgs.sign_on.selectors
import orgs.sign_on.services
from events.kinds import SYSTEM
from orgs.sign_on.services import NotPossible
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for


class Command(BaseCommand):
    help = (
        "Show an organization's single sign-on; make it optional again, or take one of its claimed domains for proved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="its slug")
        parser.add_argument("--optional", action="store_true", help="let people in by password again")
        parser.add_argument(
            "--prove-domain", metavar="DOMAIN", help="a claimed domain that you know to be the organization's"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_by_slug(options["organization"])
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}.")
        with acting_for(organization.pk), transaction.atomic():
            if options["optional"]:
                for sign_on in orgs.sign_on.selectors.sign_ons():
                    orgs.sign_on.services.stop_enforcing(sign_on=sign_on, actor=SYSTEM)
            if options["prove_domain"]:
                self._prove(options["prove_domain"].strip().lower())
            for sign_on in orgs.sign_on.selectors.sign_ons():
                way = "required" if sign_on.is_enforced else "optional"
                self.stdout.write(f"{sign_on.name}: {sign_on.get_protocol_display()}, {way}")
            for domain in orgs.sign_on.selectors.domains():
                proof = f"proved by {domain.proved_by}" if domain.proved_at else "not proved"
                self.stdout.write(f"{domain.domain}: {proof}, signs in with {domain.sign_on or 'nothing yet'}")

    def _prove(self, name: str) -> None:
        domain = orgs.sign_on.selectors.domains().filter(domain=name).first()
        if domain is None:
            raise CommandError(f"{name} is not claimed. An Admin adds it under Settings > Single sign-on first.")
        try:
            orgs.sign_on.services.prove_by_operator(domain=domain, actor=SYSTEM)
        except NotPossible as error:
            raise CommandError(str(error)) from error
