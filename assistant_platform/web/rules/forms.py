"""What people send about rules, checked for its shape."""

from __future__ import annotations

from typing import Self

from django import forms
from django.core.exceptions import ValidationError

from rules.models import Mode, PolicySettings

MOST_PATHS = 200
LONGEST_PATH = 300


class PathsField(forms.CharField):
    """Globs of paths, one a line."""

    widget = forms.Textarea(attrs={"class": "form-control", "rows": 4, "placeholder": "tests/\n*.min.js"})

    def clean(self, value: str | None) -> str:
        """Return the lines without blanks, each once."""
        lines = [line.strip() for line in (super().clean(value) or "").splitlines()]
        kept = list(dict.fromkeys(line for line in lines if line))
        if len(kept) > MOST_PATHS:
            raise ValidationError(f"Give at most {MOST_PATHS} lines.")
        for line in kept:
            if len(line) > LONGEST_PATH or not line.isprintable():
                raise ValidationError(f"A line has at most {LONGEST_PATH} printable characters: {line[:60]!r} has not.")
        return "\n".join(kept)


class PolicyForm(forms.Form):
    """How rules are treated in general."""

    default_mode = forms.ChoiceField(
        label="Mode of rules not seen before",
        choices=Mode.choices,
        widget=forms.Select(attrs={"class": "form-select"}),
        help_text="It holds for rules that come from now on, in a report or an import.",
    )
    ignored_paths = PathsField(
        label="Paths left out in every project",
        required=False,
        help_text="Globs as in .semgrepignore, one a line. semgrep ci does not look there from its next scan on.",
    )

    @classmethod
    def of(cls, settings: PolicySettings) -> Self:
        """Return the form showing what is saved."""
        return cls(initial={"default_mode": settings.default_mode, "ignored_paths": settings.ignored_paths})


class IgnoredPathsForm(forms.Form):
    """What scans of one project leave out."""

    ignored_paths = PathsField(
        label="Paths left out in this project",
        required=False,
        help_text="Globs as in .semgrepignore, one a line, beside those of the organization.",
    )


class ImportForm(forms.Form):
    """Rules to bring."""

    file = forms.FileField(
        label="Rules",
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".yaml,.yml,.zip"}),
        help_text="A YAML file of rules, or a ZIP of a folder with some. Each keeps its own name.",
    )
