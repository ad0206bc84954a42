"""What people send about a memory, checked for its shape and put into the words of the services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

import orgs.selectors
from findings.models import Finding
from memories.models import LONGEST_TEXT, Memory, Purpose, Template
from memories.scopes import LONGEST_PREFIX, Scope, ScopeUnusable
from orgs.models import Membership
from rules.models import Rule

ALL, ONE, TAG, CWE = "all", "one", "tag", "cwe"
PROJECTS = ((ALL, "All projects"), (ONE, "One project"), (TAG, "Projects with a tag"))
RULES = ((ALL, "Every rule"), (ONE, "One rule"), (CWE, "Rules of one CWE"))
NO_SUCH_PROJECT = "There is no such project among those you see."
NO_SUCH_RULE = "There is no such rule."


@dataclass(frozen=True)
class Starter:
    """A text to begin with, for what teams teach most often."""

    title: str
    explanation: str
    text: str
    purpose: Purpose
    projects: str
    rules: str


STARTERS = {
    Template.NOT_PRODUCTION: Starter(
        title="This path is not production",
        explanation="For tests, samples and tools that nobody deploys.",
        text="If the code is below the path of this memory, it does not run in production: it is not part of what we "
        "deploy. Then nobody outside of the team can reach it.",
        purpose=Purpose.TRIAGE,
        projects=ONE,
        rules=ALL,
    ),
    Template.FRAMEWORK_PROTECTS: Starter(
        title="Our framework already protects",
        explanation="For a rule that does not know what your framework does.",
        text="If the value goes through [name of the function or component], it is [escaped, validated, bound] there. "
        "You recognise it by [the import or the call]. Then what this rule looks for cannot happen.",
        purpose=Purpose.TRIAGE,
        projects=ALL,
        rules=ONE,
    ),
}


class MemoryForm(forms.Form):
    """A memory as somebody writes it."""

    text = forms.CharField(max_length=LONGEST_TEXT, widget=forms.Textarea)
    purpose = forms.ChoiceField(choices=Purpose.choices, initial=Purpose.BOTH)
    projects = forms.ChoiceField(choices=PROJECTS, initial=ALL)
    project = forms.CharField(max_length=200, required=False)
    project_tag = forms.CharField(max_length=60, required=False)
    rules = forms.ChoiceField(choices=RULES, initial=ALL)
    rule = forms.CharField(max_length=500, required=False)
    cwe = forms.CharField(max_length=12, required=False)
    path_prefix = forms.CharField(max_length=LONGEST_PREFIX, required=False)
    expires_on = forms.DateField(required=False)
    template = forms.ChoiceField(choices=Template.choices, required=False)

    def __init__(self, *args: Any, member: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.member = member
        self.scope = Scope()

    @classmethod
    def of(cls, memory: Memory, *, member: Membership, expires_on: date | None) -> MemoryForm:
        """Return the form showing a memory."""
        initial = {
            "text": memory.text,
            "purpose": memory.purpose,
            **_initial_of(Scope.of(memory)),
            "expires_on": expires_on,
            "template": memory.template,
        }
        return cls(initial=initial, member=member)

    @classmethod
    def starting(cls, *, member: Membership, template: str, finding: Finding | None) -> MemoryForm:
        """Return the form for a new memory: with a template's text, and about a finding's place, where given."""
        starter = STARTERS.get(Template(template)) if template in STARTERS else None
        initial: dict[str, Any] = _initial_of(Scope.of_finding(finding)) if finding else {}
        if starter is not None:
            initial |= {"text": starter.text, "purpose": starter.purpose, "template": template}
            initial.setdefault("projects", starter.projects)
            initial.setdefault("rules", starter.rules)
        return cls(initial=initial, member=member)

    def clean(self) -> dict[str, Any]:
        """Make the scope of what was chosen; what was not chosen is left out whatever its field says."""
        cleaned = super().clean() or {}
        project = rule = None
        if cleaned.get("projects") == ONE:
            visible = orgs.selectors.projects_visible_to(self.member)
            project = visible.filter(name=cleaned.get("project", "")).first()
            if project is None:
                self.add_error("project", NO_SUCH_PROJECT)
        if cleaned.get("rules") == ONE:
            rule = Rule.objects.filter(identifier=cleaned.get("rule", "")).first()
            if rule is None:
                self.add_error("rule", NO_SUCH_RULE)
        tag = cleaned.get("project_tag", "") if cleaned.get("projects") == TAG else ""
        cwe = cleaned.get("cwe", "") if cleaned.get("rules") == CWE else ""
        if cleaned.get("projects") == TAG and not tag:
            self.add_error("project_tag", "Name the tag.")
        if cleaned.get("rules") == CWE and not cwe:
            self.add_error("cwe", "Name the CWE, for example CWE-79.")
        if cleaned.get("template") == Template.NOT_PRODUCTION and not cleaned.get("path_prefix"):
            self.add_error("path_prefix", "Say which path is not production.")
        if not self.errors:
            scope = Scope(
                project=project, rule=rule, project_tag=tag, cwe=cwe, path_prefix=cleaned.get("path_prefix", "")
            )
            try:
                self.scope = scope.checked()
            except ScopeUnusable as problem:
                raise ValidationError(str(problem)) from problem
        return cleaned

    @property
    def expires_at(self) -> datetime | None:
        """When it ends: as the chosen day begins where the organization is."""
        day = self.cleaned_data["expires_on"]
        return beginning_of(day, self.member) if day else None


def beginning_of(day: date, member: Membership) -> datetime:
    """Return when a day begins where the organization is."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(member.organization.time_zone))


def _initial_of(scope: Scope) -> dict[str, Any]:
    return {
        "projects": ONE if scope.project else TAG if scope.project_tag else ALL,
        "rules": ONE if scope.rule else CWE if scope.cwe else ALL,
        **scope.as_history(),
    }
