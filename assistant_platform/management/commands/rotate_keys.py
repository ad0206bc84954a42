"""`manage.py rotate_keys`: seal all stored secrets with the first of FIELD_ENCRYPTION_KEYS."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from assistant_platform.rotation import rotate_keys


class Command(BaseCommand):
    help = (
        "Seal all stored secrets with the first of FIELD_ENCRYPTION_KEYS, so that the others can be taken away. Put a"
        " new key first, restart, then run this. Safe to run twice. Exit code 1 where a secret cannot be opened."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        found = rotate_keys()
        self.stdout.write(f"Sealed anew: {found.resealed}. Sealed with the first key already: {found.already}.")
        for name in found.unopened:
            self.stdout.write(f"Cannot be opened with any key, and left as it is: {name}")
        if found.unopened:
            self.stdout.write("Put the former key back into FIELD_ENCRYPTION_KEYS, or have these entered again.")
            sys.exit(1)
