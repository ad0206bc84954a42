"""A setting as a row of a page: its value, what appears with it, and what just became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django_htmx.http import trigger_client_event

from orgs.models import CAREFUL_CWES
from orgs.settings.catalogue import SETTINGS, Section, Setting, Shape, Value, dependents_of
from orgs.settings.effective import EffectiveSettings, Origin


@dataclass(frozen=True)
class Outcome:
    """What became of a change: saved, or refused for a reason. `is_by_button`: the button that did it may be gone."""

    name: str
    problem: str = ""
    is_by_button: bool = False

    @property
    def is_saved(self) -> bool:
        """Whether the change was made."""
        return not self.problem


@dataclass(frozen=True)
class Row:
    """A setting with its value; `inherited` is the organization's where the row is a project's."""

    setting: Setting
    value: Value
    origin: Origin = Origin.ORGANIZATION
    inherited: Value | None = None
    differing: int = 0
    outcome: Outcome | None = None
    dependents: list[Row] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The value as people say it."""
        return self.setting.in_words(self.value)

    @property
    def inherited_words(self) -> str:
        """The organization's value as people say it."""
        return "" if self.inherited is None else self.setting.in_words(self.inherited)

    @property
    def is_own(self) -> bool:
        """Whether a project has set the value itself."""
        return self.origin is Origin.PROJECT

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """What a project can choose besides following its organization: (value, label, whether chosen)."""
        choices = self.setting.choices or (("on", "On"), ("off", "Off"))
        current = ("on" if self.value else "off") if self.setting.shape is Shape.SWITCH else self.value
        return [(value, label, self.is_own and value == current) for value, label in choices]

    @property
    def cwes(self) -> list[str]:
        """The value as a list of CWEs."""
        return str(self.value).split()

    @property
    def is_preset(self) -> bool:
        """Whether the list of CWEs is the one we began with."""
        return self.value == CAREFUL_CWES


def row_of(
    setting: Setting,
    settings: EffectiveSettings,
    *,
    organization: EffectiveSettings | None = None,
    differing: Mapping[str, int] | None = None,
    outcome: Outcome | None = None,
) -> Row:
    """Return a setting's row, with those of its dependents while it is on. For a project: with its organization's."""
    value: Value = getattr(settings, setting.name)
    shown = dependents_of(setting) if value else []
    if organization is not None:
        shown = [entry for entry in shown if entry.is_per_project]
    return Row(
        setting=setting,
        value=value,
        origin=settings.origin_of(setting.name),
        inherited=None if organization is None else getattr(organization, setting.name),
        differing=(differing or {}).get(setting.name, 0),
        outcome=outcome if outcome and outcome.name == setting.name else None,
        dependents=[
            row_of(entry, settings, organization=organization, differing=differing, outcome=outcome) for entry in shown
        ],
    )


def sections(
    settings: EffectiveSettings,
    *,
    organization: EffectiveSettings | None = None,
    differing: Mapping[str, int] | None = None,
    outcome: Outcome | None = None,
) -> dict[Section, list[Row]]:
    """Return the page's sections with their rows; a project's page has those only that a project can set."""
    found: dict[Section, list[Row]] = {section: [] for section in Section}
    for setting in SETTINGS:
        if not setting.parent and (organization is None or setting.is_per_project):
            row = row_of(setting, settings, organization=organization, differing=differing, outcome=outcome)
            found[setting.section].append(row)
    return {section: rows for section, rows in found.items() if rows}


def answered(response: HttpResponse, row: Row) -> HttpResponse:
    """Return a row's answer with the words that are spoken once it is on the page."""
    outcome = row.outcome
    said = f"Not saved. {outcome.problem}" if outcome and outcome.problem else f"{row.setting.label}: {row.words}."
    return trigger_client_event(response, "said", {"text": f"Saved. {said}" if outcome and outcome.is_saved else said})
