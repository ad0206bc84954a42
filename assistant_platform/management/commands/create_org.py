"""`manage.py create_org`: an organization with its first Admin and, for automation, a token; prints JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, transaction

import orgs.services
from events.kinds import SYSTEM
from orgs.permissions import Scope
from tenancy.scope import acting_for


class Command(BaseCommand):
    help = "Make an organization with its first Admin; print its slug and, with --token-scopes, a token as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--slug", required=True, help="its name in addresses: lower-case letters, digits, hyphens")
        parser.add_argument("--name", required=True)
        parser.add_argument("--admin", required=True, metavar="EMAIL")
        parser.add_argument("--password", help="the Admin's password; without one nobody can sign in as the Admin yet")
        parser.add_argument(
            "--token-scopes", default="", help=f"make a token with these, comma-separated: {', '.join(Scope.values)}"
        )
        parser.add_argument(
            "--consent",
            action="store_true",
            help="accept, for the Admin, that code is sent to the platform's AI provider",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = [scope.strip() for scope in options["token_scopes"].split(",") if scope.strip()]
        unknown = sorted(set(wanted) - set(Scope.values))
        if unknown:
            raise CommandError(f"There is no scope {', '.join(unknown)}; choose from {', '.join(Scope.values)}.")
        try:
            with transaction.atomic():
                admin = orgs.services.person(options["admin"], password=options["password"])
                organization = orgs.services.create_organization(
                    slug=options["slug"], name=options["name"], admin=admin
                )
                result = {"organization": organization.slug, "admin": admin.email}
                with acting_for(organization.pk):
                    if options["consent"]:
                        orgs.services.give_consent(actor=orgs.services.actor_of(admin))
                    if wanted:
                        _, value = orgs.services.create_token(
                            name="create_org", scopes=[Scope(scope) for scope in wanted], created_by=admin, actor=SYSTEM
                        )
                        result["token"] = value
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            ) from error
        except IntegrityError as error:
            raise CommandError(f"There is an organization {options['slug']} already; choose another slug.") from error
        self.stdout.write(json.dumps(result))
