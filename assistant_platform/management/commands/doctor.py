"""`manage.py doctor`: one line a part, with what to do where one is not well."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core.management.base import BaseCommand

from assistant_platform.diagnosis import CHECKS


class Command(BaseCommand):
    help = "Prove each part that the platform needs, one line each with the remedy. Exit code 1 where one fails."
    requires_system_checks = []  # it is for finding out what keeps them from passing

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger().setLevel(logging.CRITICAL)  # the lines below say it once, and in our words
        all_well = True
        for check in CHECKS:
            for answer in check.answers():
                all_well = all_well and answer.is_ok
                self.stdout.write(str(answer))
                self.stdout.flush()
        if not all_well:
            sys.exit(1)
