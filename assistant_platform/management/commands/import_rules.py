"""`manage.py import_rules`: bring rules from this machine, as the page and the API do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

import rules.selectors
import rules.services
from events.kinds import SYSTEM
from rules.brought import FilesRefused, files_below
from rules.engine.errors import EngineError
from rules.models import Outcome
from tenancy.directory import organization_by_slug
from tenancy.scope import acting_for


class Command(BaseCommand):
    help = "Import rules into an organization: YAML files, or folders of them; the engine reads each here and now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", help="the organization's slug")
        parser.add_argument("places", type=Path, nargs="+", metavar="FOLDER|FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = organization_by_slug(options["organization"])
        if organization is None:
            raise CommandError(f"There is no organization {options['organization']}; make it with create_org.")
        places: list[Path] = options["places"]
        try:
            files = [file for place in places for file in files_below(place)]
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        except FilesRefused as error:
            raise CommandError(str(error)) from error
        with acting_for(organization.pk):
            source = ", ".join(place.name or str(place) for place in places)
            made = rules.services.import_rules(source=source, files=files, actor=SYSTEM)
            try:
                rules.services.check_texts()
            except EngineError as error:
                self.stderr.write(f"The rules were kept, and a worker will have them read: {error}")
            with transaction.atomic():
                entries = list(rules.selectors.entries_of(made))
        for problem in made.problems:
            self.stderr.write(problem)
        refused = [entry for entry in entries if entry.rule and entry.rule.objection]
        left_out = [entry for entry in entries if entry.outcome == Outcome.LEFT_OUT]
        for entry in left_out:
            self.stderr.write(f"{entry.identifier}: {entry.problem}")
        for entry in refused:
            self.stderr.write(f"{entry.identifier}: {entry.rule.objection if entry.rule else ''}")
        counted = {outcome: sum(entry.outcome == outcome for entry in entries) for outcome in Outcome}
        self.stdout.write(
            f"{len(entries)} rules: {counted[Outcome.ADDED]} added, {counted[Outcome.UPDATED]} updated,"
            f" {counted[Outcome.UNCHANGED]} unchanged, {len(left_out)} left out; {len(refused)} refused by the engine."
        )
