"""`manage.py update_prices FILE`: make a list of prices the one that counts, after showing what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from providers import prices


class Command(BaseCommand):
    help = (
        "Load what models cost from a JSON file shaped as providers/prices.json. It replaces the whole list, for every"
        " organization; what an Admin wrote down for a connection of theirs still counts before it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--check", action="store_true", help="only show what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            entries = prices.parse(options["file"].read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['file']} cannot be read: {error}") from error
        except prices.PricesUnusable as problem:
            raise CommandError(f"{options['file']} cannot be used, and nothing was changed: {problem}") from problem
        with transaction.atomic():
            difference = prices.difference(entries)
        for sign, lines in (("+", difference.added), ("~", difference.changed), ("-", difference.gone)):
            for line in lines:
                self.stdout.write(f"{sign} {line}")
        if options["check"]:
            self.stdout.write("Nothing was changed (--check).")
            return
        prices.replace_list(entries)
        self.stdout.write(f"{len(entries)} prices count from now on, in US dollars per million tokens (in/out).")
