"""`manage.py up`: the whole platform on this machine, for evaluation and development."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from assistant_platform.embedded import startup


class Command(BaseCommand):
    help = "Run PostgreSQL, Valkey, web, worker and beat on this machine, with a demo to look at."
    requires_system_checks = []  # they want a database, which this command starts

    def add_arguments(self, parser: CommandParser) -> None:
        startup.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(startup.up(startup.options_from(options)))
