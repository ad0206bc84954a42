"""`manage.py import_scan`: hand a report in from this machine, as the page and the API do."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

import findings.services
import scm.services
from events.kinds import SYSTEM
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Product, Scan, ScanState
from findings.services import ScanDescription
from findings.uploads import UploadRefused
from lib.files import bytes_file
from orgs.services import project_named
from rules.engine.files import one_file
from rules.engine.rule_text import Unreadable
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for


class Command(BaseCommand):
    help = "Import a Semgrep JSON, SARIF or GitLab report into an organization; analysis goes on in the workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="the organization's slug")
        parser.add_argument("report", type=Path)
        parser.add_argument("--project", default="default")
        parser.add_argument("--branch", default="")
        parser.add_argument("--commit", default="")
        parser.add_argument("--pull-request", default="")
        parser.add_argument("--diff", action="store_true", help="not a full scan: what it does not report is not fixed")
        parser.add_argument(
            "--product", default="", choices=["", *Product.values], help="where the report does not tell"
        )
        parser.add_argument("--context", type=Path, help="the affected files: a zip, or a JSON object a line")
        parser.add_argument("--rules", type=Path, help="the rules behind the report: a YAML file, or a folder of them")
        parser.add_argument("--folder", type=Path, help="where the code lies on this machine (below LOCAL_CODE_ROOTS)")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_by_slug(options["organization"])
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}; make it with create_org.")
        with acting_for(organization.pk), ExitStack() as stack:
            try:
                if options["folder"]:
                    with transaction.atomic():
                        project = project_named(options["project"], actor=SYSTEM)
                        scm.services.connect_folder(project=project, folder=options["folder"])
                scan = findings.services.receive_scan(
                    description=ScanDescription(
                        project=options["project"],
                        branch=options["branch"],
                        commit=options["commit"],
                        pull_request_id=options["pull_request"],
                        is_full=not (options["diff"] or options["pull_request"]),
                        product=options["product"],
                    ),
                    report=stack.enter_context(options["report"].open("rb")),
                    context=stack.enter_context(options["context"].open("rb")) if options["context"] else None,
                    rule_file=bytes_file(rules_in(options["rules"])) if options["rules"] else None,
                    actor=SYSTEM,
                )
                with transaction.atomic():
                    already = scan.state != ScanState.RECEIVED
                if not already:
                    findings.services.ingest_scan(scan=scan)
                with transaction.atomic():
                    scan = Scan.objects.get(pk=scan.pk)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            except (ReportUnreadable, UploadRefused, Unreadable, scm.services.FolderNotAllowed) as error:
                raise CommandError(str(error)) from error
        if scan.state == ScanState.FAILED:
            raise CommandError(f"Scan {scan.pk} could not be read: {scan.failure}")
        self.stdout.write(
            f"Scan {scan.pk}: {scan.found_count} findings, {scan.new_count} new, {scan.fixed_count} fixed."
            + (" It had been imported before; nothing changed." if already else "")
        )


def rules_in(place: Path) -> str:
    """Return the rules of a YAML file, or of all YAML files below a folder, as one rules file."""
    files = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix in {".yaml", ".yml"})
    if not files:
        raise CommandError(f"{place} holds no rules: give a YAML file, or a folder with some.")
    return one_file(path.read_text(encoding="utf-8") for path in files)
