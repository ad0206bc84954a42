"""`manage.py demo`: an organization whose project is scanned here and now by the real engine."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

import findings.services
import orgs.services
from assistant_platform.management.commands.import_scan import rules_in
from events.kinds import SYSTEM, Actor, ActorKind
from findings.services import ScanDescription
from lib.files import bytes_file, zip_of
from providers.selectors import platform_choice
from rules.engine import EngineError, scan_folder
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for

SLUG, NAME, PROJECT = "copperleaf", "Copperleaf", "shop"
CODE, RULES = "demo/shop", "demo/rules"


class Command(BaseCommand):
    help = "Load the demo organization: scan the demo project with the real engine and hand the report in."

    def handle(self, *args: Any, **options: Any) -> None:
        root, rules = settings.BASE_DIR / CODE, settings.BASE_DIR / RULES
        organization = organization_by_slug(SLUG)
        if organization is None:
            password = os.environ.get("DEMO_PASSWORD") or secrets.token_urlsafe(12)
            admin = orgs.services.person(os.environ.get("DEMO_EMAIL", "demo@example.org"), password=password)
            organization = orgs.services.create_organization(slug=SLUG, name=NAME, admin=admin)
            if "DEMO_PASSWORD" not in os.environ:
                self.stdout.write(f"Sign in as {admin.email} with {password}")
        try:
            report = scan_folder(root, sorted(rules.glob("*.yaml")))
        except EngineError as error:
            raise CommandError(f"The demo could not be scanned: {error}") from error
        with acting_for(organization.pk):
            operator = Actor(ActorKind.SYSTEM, "Operator, at set-up of the demo")
            orgs.services.change_settings(actor=operator, changes={"analyses_all_severities": True})
            if platform_choice() is not None:
                # The code is our own, and whoever runs this set the key.
                orgs.services.give_consent(actor=operator)
            files = sorted(path for path in root.rglob("*") if path.is_file())
            scan = findings.services.receive_scan(
                description=ScanDescription(project=PROJECT, branch="main", commit=_commit_of(files)),
                report=io.BytesIO(report),
                context=zip_of(root, files),
                rule_file=bytes_file(rules_in(rules)),
                actor=SYSTEM,
            )
        self.stdout.write(f"Scan {scan.pk} of the demo project was handed in.")


def _commit_of(files: list[Path]) -> str:
    """Return what stands for a commit: the demo is no repository of its own."""
    digest = hashlib.sha1(usedforsecurity=False)
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
