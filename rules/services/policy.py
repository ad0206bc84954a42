"""How an organization treats rules in general."""

from __future__ import annotations

from django.db import connection, transaction

from events.kinds import Actor, Kind
from events.services import record
from rules.models import Mode, PolicySettings


def change_policy(*, default_mode: Mode, ignored_paths: str, actor: Actor) -> PolicySettings:
    """Save the mode of rules not seen before, and what `semgrep ci` leaves out in every project."""
    with transaction.atomic():
        with connection.cursor() as cursor:  # the row may not be there yet, so there is nothing else to lock
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('policy settings'))")
        settings = PolicySettings.objects.first() or PolicySettings()
        changed = {
            name: value
            for name, value in (("default_mode", default_mode.value), ("ignored_paths", ignored_paths))
            if getattr(settings, name) != value
        }
        if not changed:
            return settings
        before = settings.default_mode
        settings.default_mode, settings.ignored_paths = default_mode.value, ignored_paths
        settings.save()
        record(
            Kind.POLICY_CHANGED,
            actor=actor,
            changed=", ".join(changed),
            before=before,
            after=settings.default_mode,
            ignored_paths=len(ignored_paths.splitlines()),
        )
    return settings
