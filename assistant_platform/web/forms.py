"""What people may send, checked for its shape; services decide the rest."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from findings.models import IgnoreReason, Triage

LONGEST_COMMENT = 3000


class FeedbackForm(forms.Form):
    """Agree or disagree with a verdict, with a reason if one likes."""

    agrees = forms.TypedChoiceField(choices=[("yes", "Agree"), ("no", "Disagree")], coerce=lambda value: value == "yes")
    reason = forms.CharField(required=False, max_length=LONGEST_COMMENT)


class IgnoreForm(forms.Form):
    """Ignore a finding for a reason."""

    reason = forms.ChoiceField(choices=IgnoreReason.choices, initial=IgnoreReason.FALSE_POSITIVE)
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))


class TriageForm(forms.Form):
    """Say where a finding stands; ignoring has its own form, as it needs a reason."""

    triage = forms.ChoiceField(choices=[(entry.value, entry.label) for entry in Triage if entry != Triage.IGNORED])


class BulkTriageForm(forms.Form):
    """What is decided about many findings; the reason counts where they are ignored."""

    triage = forms.ChoiceField(
        choices=Triage.choices, initial=Triage.IGNORED, widget=forms.Select(attrs={"class": "form-select"})
    )
    reason = forms.ChoiceField(
        choices=IgnoreReason.choices,
        initial=IgnoreReason.FALSE_POSITIVE,
        widget=forms.Select(attrs={"class": "form-select"}),
    )
    comment = forms.CharField(
        required=False,
        max_length=LONGEST_COMMENT,
        widget=forms.Textarea(attrs={"rows": 3, "class": "form-control"}),
    )


class NoteForm(forms.Form):
    """A note on a finding."""

    text = forms.CharField(max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 2}))


class UploadForm(forms.Form):
    """A report with what is known of its scan."""

    report = forms.FileField(
        label="Report", help_text="What `semgrep scan --json` or `--sarif` wrote, or any SARIF 2.1.0; may be gzipped."
    )
    project = forms.CharField(max_length=200, help_text="The scanned codebase; a new name makes a new project.")
    branch = forms.CharField(max_length=255, required=False, help_text="For example main.")
    commit = forms.RegexField(
        r"^[0-9a-fA-F]{7,64}$",
        required=False,
        help_text="The commit that was scanned.",
        error_messages={"invalid": "Give the commit's hash: 7 to 64 hexadecimal digits."},
    )
    pull_request_id = forms.RegexField(
        r"^[0-9]{1,20}$",
        label="Pull request",
        required=False,
        help_text="Its number, if the scan is of a pull or merge request.",
        error_messages={"invalid": "Give the number only, for example 128."},
    )
    is_diff_aware = forms.BooleanField(
        label="Diff-aware scan",
        required=False,
        help_text="It looked only at changed code, so what it does not report is not taken for fixed.",
    )
    context = forms.FileField(
        label="Affected files",
        required=False,
        help_text="A ZIP of the files that have findings. Without code the Assistant sees only the matched lines.",
    )
    rule_file = forms.FileField(
        label="Rules", required=False, help_text="The YAML of your rules, so that fixes can be proved against them."
    )

    def clean_branch(self) -> str:
        """Refuse a branch that no host would accept."""
        branch = str(self.cleaned_data["branch"]).strip()
        if any(character.isspace() for character in branch):
            raise ValidationError("A branch has no spaces in its name.")
        return branch
