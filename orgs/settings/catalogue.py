"""Every setting of Settings > Deployment, in the order of the page: its words, its shape, and where it may be set."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.text import slugify

from orgs.models import LONGEST_FOOTER, LONGEST_RETENTION_DAYS, FixConfidence, NoiseFilterMode, ProjectSettings

Value = bool | int | str

MOST_CWES = 100
_CWE = re.compile(r"(?:CWE-?)?([0-9]{1,5})", re.IGNORECASE)


class WrongValue(ValueError):
    """What was given is no value of the setting; the text says what would be."""


class Section(StrEnum):
    """A part of the page."""

    ASSISTANT = "Assistant"
    CODE = "Code"
    ANALYSIS = "Analysis"


class Shape(StrEnum):
    """How a setting is chosen."""

    SWITCH = "switch"
    DROP_DOWN = "drop_down"
    RADIO = "radio"
    NUMBER = "number"
    CWES = "cwes"
    TEXT = "text"


@dataclass(frozen=True)
class Setting:
    """One setting. `parent` is the switch it appears with."""

    name: str
    label: str
    explanation: str
    section: Section
    shape: Shape = Shape.SWITCH
    parent: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    least: int = 0
    most: int = 0
    unit: str = ""

    @property
    def anchor(self) -> str:
        """The setting's heading in docs/settings.md, as an address names it."""
        return slugify(self.label)

    @property
    def is_per_project(self) -> bool:
        """Whether a project may have a value of its own."""
        return any(field.name == self.name for field in ProjectSettings._meta.concrete_fields)

    def checked(self, value: object) -> Value:
        """Return a value as it is stored. Raises WrongValue."""
        match self.shape:
            case Shape.SWITCH:
                if not isinstance(value, bool):
                    raise WrongValue("Give true or false.")
                return value
            case Shape.NUMBER:
                if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
                    raise WrongValue(f"Give a whole number from {self.least} to {self.most}.")
                return value
            case Shape.CWES:
                return cwes(value)
            case Shape.TEXT:
                return self._text(value)
            case _:
                if value not in dict(self.choices):
                    raise WrongValue(f"Choose one of: {', '.join(word for word, _ in self.choices)}.")
                return str(value)

    def parsed(self, text: str) -> Value:
        """Return the value that a form's text means; a switch that is off sends none. Raises WrongValue."""
        match self.shape:
            case Shape.SWITCH:
                return text == "on"
            case Shape.NUMBER:
                return self.checked(int(text) if re.fullmatch(r"[0-9]{1,9}", text.strip()) else None)
            case _:
                return self.checked(text)

    def in_words(self, value: Value) -> str:
        """Return a value as people say it."""
        if self.shape is Shape.SWITCH:
            return "on" if value else "off"
        if self.shape is Shape.TEXT and value:
            return f"{len(str(value)):,} characters"  # the audit log's words are short
        if self.choices:
            return dict(self.choices)[str(value)]
        return f"{value}{self.unit}" if value != "" else "none"

    def _text(self, value: object) -> str:
        text = "\n".join(value.replace("\x00", "").splitlines()).strip() if isinstance(value, str) else None
        if text is None or len(text) > self.most:
            raise WrongValue(f"Give a text of at most {self.most:,} characters.")
        return text


def cwes(given: object) -> str:
    """Return CWEs, given as text or as a list, by number and parted by spaces. Raises WrongValue."""
    if isinstance(given, str):
        words: Iterable[object] = given.replace(",", " ").split()
    elif isinstance(given, list | tuple):
        words = given
    else:
        raise WrongValue("Give a list of CWEs, for example CWE-79.")
    numbers = set()
    for word in words:
        found = _CWE.fullmatch(word.strip()) if isinstance(word, str) else None
        if found is None or not int(found[1]):
            raise WrongValue(f"{str(word)[:30]} is no CWE; write it like CWE-79.")
        numbers.add(int(found[1]))
    if len(numbers) > MOST_CWES:
        raise WrongValue(f"Name at most {MOST_CWES} CWEs.")
    return " ".join(f"CWE-{number}" for number in sorted(numbers))


SETTINGS = (
    Setting(
        name="is_enabled",
        label="Assistant",
        explanation="Analyses findings and writes guidance and fixes. Off: nothing is analysed, and every finding is "
        "shown as the scanner reported it.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="auto_triage",
        label="Auto-triage for Code",
        explanation="Judges new findings without being asked. Off: only what somebody chooses to analyze is judged.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="auto_triage_in_comments",
        label="Tell in PR/MR comments",
        explanation="A comment says when its finding may be safe to ignore, and why.",
        section=Section.ASSISTANT,
        parent="auto_triage",
    ),
    Setting(
        name="auto_triage_in_slack",
        label="Tell in Slack",
        explanation="A message in the channel chosen under Settings > Slack says which findings may be safe to ignore, "
        "with buttons to agree or disagree. Nothing is sent while Slack is not connected.",
        section=Section.ASSISTANT,
        parent="auto_triage",
    ),
    Setting(
        name="remediation",
        label="Remediation",
        explanation="Writes step-by-step guidance for judged findings, and code changes for true positives.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="fix_confidence",
        label="Show code changes from this confidence up",
        explanation="Low shows most of them, which is a good start; High shows few. Holds for changes written from now "
        "on.",
        section=Section.ASSISTANT,
        shape=Shape.DROP_DOWN,
        parent="remediation",
        choices=tuple((entry.value, entry.label) for entry in FixConfidence),
    ),
    Setting(
        name="noise_filter",
        label="Noise filter for Code PR/MR comments",
        explanation="Treats comments on likely false positives differently. The findings themselves stay in the list.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="noise_filter_mode",
        label="On a likely false positive",
        explanation="Rules in Block mode are commented on in any case.",
        section=Section.ASSISTANT,
        shape=Shape.RADIO,
        parent="noise_filter",
        choices=tuple((entry.value, entry.label) for entry in NoiseFilterMode),
    ),
    Setting(
        name="weekly_priority_emails",
        label="Weekly priority emails",
        explanation="Every Monday, the three most pressing tasks of the backlog, to all Admins.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="customize_with_memories",
        label="Customize with memories",
        explanation="Lets what people taught the Assistant about a rule or project shape its later answers.",
        section=Section.ASSISTANT,
    ),
    Setting(
        name="pull_request_comments",
        label="PR/MR comments",
        explanation="Comments on findings in pull and merge requests, for rules in Comment or Block mode.",
        section=Section.CODE,
    ),
    Setting(
        name="commands_in_replies",
        label="Decide by reply",
        explanation="Whoever may write to the repository decides on a finding by replying to its comment, for example "
        "/fp and a reason, without an account here.",
        section=Section.CODE,
    ),
    Setting(
        name="comment_footer",
        label="Footer of comments",
        explanation="Markdown that stands below every comment: paragraphs, **bold**, `code` and [links](https://…). "
        "Other Markdown and HTML are shown as they are written.",
        section=Section.CODE,
        shape=Shape.TEXT,
        most=LONGEST_FOOTER,
    ),
    Setting(
        name="analyses_all_severities",
        label="Analyse every severity in full scans",
        explanation="Off: full scans have their new findings of high and critical severity analysed.",
        section=Section.ANALYSIS,
    ),
    Setting(
        name="pull_request_cap",
        label="Findings analysed for one pull request",
        explanation="The most severe new ones first; the others say that they were left out.",
        section=Section.ANALYSIS,
        shape=Shape.NUMBER,
        most=500,
    ),
    Setting(
        name="test_paths_decide",
        label="Test code decides alone",
        explanation="On: a finding in tests or examples is called a likely false positive for that reason alone, "
        "secrets excepted, and no model is asked. Off: the place is one fact among others.",
        section=Section.ANALYSIS,
    ),
    Setting(
        name="careful_cwes",
        label="Weaknesses to be careful with",
        explanation="A comment on one of these, or on a critical finding, is held back only if a second look agrees.",
        section=Section.ANALYSIS,
        shape=Shape.CWES,
    ),
    Setting(
        name="verdict_wait_seconds",
        label="Wait for verdicts at most",
        explanation="How long comments and the CI job wait before they go out without a verdict.",
        section=Section.ANALYSIS,
        shape=Shape.NUMBER,
        most=1800,
        unit=" seconds",
    ),
)
# Chosen where its texts are, in the log of prompts and answers; not on the page of the others.
RETENTION = Setting(
    name="retention_days",
    label="Keep prompts and answers",
    explanation="For how long prompts, answers, uploaded code and reports are kept.",
    section=Section.ASSISTANT,
    shape=Shape.NUMBER,
    most=LONGEST_RETENTION_DAYS,
    unit=" days",
)
BY_NAME = {setting.name: setting for setting in (*SETTINGS, RETENTION)}
PER_PROJECT = tuple(setting for setting in SETTINGS if setting.is_per_project)


def dependents_of(setting: Setting) -> list[Setting]:
    """Return what appears with a switch."""
    return [entry for entry in SETTINGS if entry.parent == setting.name]
