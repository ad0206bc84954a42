"""Write `prompts.lock`: which version of each prompt has which text."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

import providers.prompts


class Command(BaseCommand):
    help = "Lock the prompts' texts to their versions. Refuses a text that changed while its version did not."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = providers.prompts.changed_without_version()
        except FileNotFoundError:
            changed = []  # the first lock
        if changed:
            raise CommandError(f"Raise the version of {', '.join(changed)} first: a word of it changed.")
        providers.prompts.write_lock()
        self.stdout.write(f"{providers.prompts.LOCK_FILE} holds {len(providers.prompts.all_prompts())} prompts.")
