"""What people may send, checked for its shape; services decide the rest."""

from __future__ import annotations

from datetime import date, timedelta

from django import forms
from django.core.exceptions import ValidationError

from findings.models import IgnoreReason, Product, Triage

LONGEST_COMMENT = 3000
LONGEST_ACCEPTANCE = timedelta(days=3653)


class FeedbackForm(forms.Form):
    """Agree or disagree with a verdict, with a reason if one likes."""

    agrees = forms.TypedChoiceField(choices=[("yes", "Agree"), ("no", "Disagree")], coerce=lambda value: value == "yes")
    reason = forms.CharField(required=False, max_length=LONGEST_COMMENT)


class RatingForm(forms.Form):
    """Whether guidance or a fix helped, or what was said of it taken back."""

    about = forms.ChoiceField(choices=[("guidance", "Guidance"), ("fix", "Fix")])
    number = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    helpful = forms.ChoiceField(choices=[("yes", "Helpful"), ("no", "Not helpful"), ("undo", "Take back")])
    reason = forms.CharField(required=False, max_length=LONGEST_COMMENT)


class IgnoreForm(forms.Form):
    """Ignore a finding for a reason."""

    reason = forms.ChoiceField(choices=IgnoreReason.choices, initial=IgnoreReason.FALSE_POSITIVE)
    comment = forms.CharField(required=False, max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))
    expires_on = forms.DateField(required=False, error_messages={"invalid": "Give the date as 2027-01-31."})

    def clean_expires_on(self) -> date | None:
        """Refuse a date that nobody can mean."""
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day > date.today() + LONGEST_ACCEPTANCE:  # noqa: DTZ011  (ten years, give or take a day)
            raise ValidationError("Choose a date within the next ten years.")
        return day


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


class ProjectForm(forms.Form):
    """What people say of a project."""

    primary_branch = forms.CharField(
        required=False,
        max_length=255,
        help_text="What is present there is in production. The first branch that is scanned in full, until you say"
        " otherwise.",
    )
    url = forms.URLField(
        label="Repository",
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text="Where the code is looked at. Scans of CI say so themselves.",
    )
    tags = forms.CharField(required=False, max_length=1400, help_text="Separated by commas.")

    def clean_primary_branch(self) -> str:
        """Refuse a branch that no host would accept."""
        return _branch(self.cleaned_data["primary_branch"])

    def clean_tags(self) -> tuple[str, ...]:
        """Return the tags, each once."""
        entries = (tag.strip() for tag in str(self.cleaned_data["tags"]).split(","))
        return tuple(dict.fromkeys(tag for tag in entries if tag))


class NoteForm(forms.Form):
    """A note on a finding."""

    text = forms.CharField(max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 2}))


class TriageImportForm(forms.Form):
    """A file of decisions made elsewhere."""

    file = forms.FileField(
        label="File",
        help_text="SARIF with suppressions, or the JSON of Semgrep's findings API; may be gzipped.",
    )
    project = forms.CharField(
        max_length=200,
        required=False,
        help_text="What the file is about. SARIF does not tell; entries of Semgrep's API name their repository.",
    )


class UploadForm(forms.Form):
    """A report with what is known of its scan."""

    report = forms.FileField(
        label="Report",
        help_text="What `semgrep scan --json` or `--sarif` wrote, any SARIF 2.1.0, or a GitLab report; may be gzipped.",
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
    product = forms.ChoiceField(
        choices=[("", "As the report tells"), *Product.choices],
        required=False,
        help_text="What kind of analysis it was, where the report does not tell.",
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
        return _branch(self.cleaned_data["branch"])


def _branch(name: object) -> str:
    branch = str(name).strip()
    if any(character.isspace() for character in branch):
        raise ValidationError("A branch has no spaces in its name.")
    return branch
