"""Changing settings and consent: no change takes back another setting's, and the log says from what to what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from orgs.models import CAREFUL_CWES, AssistantSettings, Project, ProjectSettings
from orgs.settings.catalogue import BY_NAME, PER_PROJECT, Value, cwes
from orgs.settings.consent import CONSENT_TEXT_VERSION


def change_settings(*, actor: Actor, changes: Mapping[str, Value]) -> AssistantSettings:
    """Save what differs of the organization's settings. Raises WrongValue where a value is none of its setting's."""
    _refuse_unknown(changes, allowed=BY_NAME)
    checked = {name: BY_NAME[name].checked(value) for name, value in changes.items()}
    with transaction.atomic():
        settings = _settings_to_change()
        _change(settings, checked, actor=actor)
    return settings


def change_careful_cwes(
    *, actor: Actor, add: str = "", remove: str = "", restores_preset: bool = False
) -> AssistantSettings:
    """Add and remove CWEs, or go back to those we began with. Raises WrongValue where one is no CWE."""
    added, removed = set(cwes(add).split()), set(cwes(remove).split())

    def changed(current: str) -> str:
        before = CAREFUL_CWES if restores_preset else current
        return cwes(sorted((set(before.split()) | added) - removed))

    with transaction.atomic():
        settings = _settings_to_change()
        _change(settings, {"careful_cwes": changed(settings.careful_cwes)}, actor=actor)
    return settings


def change_project_settings(*, project: Project, actor: Actor, changes: Mapping[str, Value | None]) -> ProjectSettings:
    """Save what a project has of its own; None goes back to the organization's. Raises WrongValue as above."""
    _refuse_unknown(changes, allowed=[setting.name for setting in PER_PROJECT])
    checked = {name: None if value is None else BY_NAME[name].checked(value) for name, value in changes.items()}
    with transaction.atomic():
        ProjectSettings.objects.bulk_create([ProjectSettings(project=project)], ignore_conflicts=True)
        settings = ProjectSettings.objects.select_for_update().get(project=project)
        told = _set(settings, checked)
        if told:
            record(
                Kind.PROJECT_SETTINGS_CHANGED,
                actor=actor,
                project_id=project.pk,
                project=project.name,
                changes=told,
            )
    return settings


def give_consent(*, actor: Actor) -> AssistantSettings:
    """Record that an Admin accepts sending code to the AI provider: who, when, and which text."""
    return _change_consent(Kind.CONSENT_GIVEN, actor=actor, is_given=True)


def withdraw_consent(*, actor: Actor) -> AssistantSettings:
    """Record that no code may be sent any more."""
    return _change_consent(Kind.CONSENT_WITHDRAWN, actor=actor, is_given=False)


def _change_consent(kind: Kind, *, actor: Actor, is_given: bool) -> AssistantSettings:
    with transaction.atomic():
        settings = _settings_to_change()
        settings.consented_at = timezone.now() if is_given else None
        settings.consented_by = actor.name if is_given else ""
        settings.consent_text_version = CONSENT_TEXT_VERSION if is_given else None
        settings.save(update_fields=["consented_at", "consented_by", "consent_text_version"])
        record(kind, actor=actor, text_version=CONSENT_TEXT_VERSION)
    return settings


def _settings_to_change() -> AssistantSettings:
    """Return the organization's row, locked: whoever saves a copy read earlier would take back what changed since."""
    AssistantSettings.objects.bulk_create([AssistantSettings()], ignore_conflicts=True)
    return AssistantSettings.objects.select_for_update().get()


def _change(settings: AssistantSettings, values: Mapping[str, Value], *, actor: Actor) -> None:
    told = _set(settings, values)
    if told:
        record(Kind.SETTINGS_CHANGED, actor=actor, changes=told)


def _set(settings: AssistantSettings | ProjectSettings, values: Mapping[str, Value | None]) -> str:
    """Save what differs, and return it in the log's words: `auto_triage: on → off`; empty where nothing does."""
    before = {name: getattr(settings, name) for name in values}
    changed = {name: value for name, value in values.items() if before[name] != value}
    if not changed:
        return ""
    for name, value in changed.items():
        setattr(settings, name, value)
    settings.save(update_fields=list(changed))
    return ", ".join(f"{name}: {_in_words(name, before[name])} → {_in_words(name, changed[name])}" for name in changed)


def _in_words(name: str, value: Value | None) -> str:
    return "as the organization" if value is None else BY_NAME[name].in_words(value)


def _refuse_unknown(changes: Mapping[str, object], *, allowed: Iterable[str]) -> None:
    if unknown := changes.keys() - set(allowed):
        raise ValueError(f"not a setting: {', '.join(sorted(unknown))}")
