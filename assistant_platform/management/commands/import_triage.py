"""`manage.py import_triage`: bring along decisions made elsewhere; without --apply nothing changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

import findings.selectors
import findings.services
import orgs.selectors
from events.kinds import SYSTEM
from findings.ingest.unpacking import ReportUnreadable
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for

SHOWN = 20


class Command(BaseCommand):
    help = "Import triage decisions from SARIF with suppressions, or from an export of Semgrep's findings API."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="the organization's slug")
        parser.add_argument("file", type=Path)
        parser.add_argument("--project", default="", help="what the file is about; else as its entries say")
        parser.add_argument("--apply", action="store_true", help="set the decisions; otherwise only tell what would be")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_by_slug(options["organization"])
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}; make it with create_org.")
        path: Path = options["file"]
        with acting_for(organization.pk), transaction.atomic():
            project = orgs.selectors.project_called(options["project"]) if options["project"] else None
            if options["project"] and project is None:
                raise CommandError(f"There is no project {options['project']}; import a scan of it first.")
            try:
                with path.open("rb") as file:
                    made = findings.services.preview_triage_import(
                        file=file, file_name=path.name, project=project, actor=SYSTEM
                    )
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            except ReportUnreadable as error:
                raise CommandError(str(error)) from error
            among = findings.selectors.every_finding()
            if options["apply"]:
                told = findings.services.apply_triage_import(triage_import=made, among=among, actor=SYSTEM)
            else:
                told = findings.services.compare_triage_import(made, among=among)
        verb = "Set" if options["apply"] else "Would set"
        self.stdout.write(
            f"{verb} {len(told.to_set)}; kept {len(told.kept)} that people here decided; {len(told.unknown)} not found;"
            f" {made.left_out} entries left out."
        )
        for decision in told.unknown[:SHOWN]:
            self.stdout.write(f"  not found: {decision.rule} {decision.path}:{decision.line}")
        if not options["apply"] and told.to_set:
            self.stdout.write("Nothing was changed. Add --apply to set them.")
