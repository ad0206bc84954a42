"""What people send about themselves and the organizations they make."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache

from allauth.account.forms import SignupForm
from allauth.core import context
from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from assistant_platform.web.accounts import invitation_followed
from tenancy.models import SLUG

LONGEST_NAME = 150
NO_TIME_ZONE = "Choose a time zone of the list, such as Europe/Berlin."


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth carries no types
    """E-mail address, password and, if one likes, a name."""

    name = forms.CharField(
        label="Your name", max_length=LONGEST_NAME, required=False, help_text="As others in your organization see you."
    )
    field_order = ["email", "name", "password1"]

    def clean_email(self) -> str:
        """Refuse another address than the invited one, where only an invitation opens this page."""
        address = str(super().clean_email())
        invitation = invitation_followed(context.request) if settings.SIGN_UP == "invited" else None
        if invitation is not None and address.lower() != invitation.email:
            raise ValidationError(f"The invitation you followed belongs to {invitation.email}; use that address.")
        return address

    def custom_signup(self, request: HttpRequest, user: User) -> None:
        """Keep the name."""
        user.first_name = self.cleaned_data["name"]
        user.save(update_fields=["first_name"])


class ProfileForm(forms.Form):
    """How others see a person."""

    name = forms.CharField(
        label="Your name",
        max_length=LONGEST_NAME,
        required=False,
        help_text="As others in your organizations see you; your e-mail address where this is empty.",
    )


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """Return the names of the time zones, those of places first."""
    return ["UTC", *sorted(name for name in zoneinfo.available_timezones() if "/" in name and "Etc/" not in name)]


class OrganizationForm(forms.Form):
    """An organization's name and time zone."""

    name = forms.CharField(label="Name", max_length=200)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        initial="UTC",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off"}),
        help_text="Weekly mails and due dates go by it.",
    )

    def clean_time_zone(self) -> str:
        """Refuse what is no time zone."""
        name = str(self.cleaned_data["time_zone"]).strip()
        if name not in time_zones():
            raise ValidationError(NO_TIME_ZONE)
        return name


class OrganizationSettingsForm(OrganizationForm):
    """What an organization is called, and what it asks of its people."""

    requires_second_factor = forms.BooleanField(
        label="Everybody needs a second factor",
        required=False,
        help_text="Who has none is led to set one up, and sees nothing of the organization before. API tokens go on.",
    )

    def __init__(self, *args: object, has_own: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        self.has_own = has_own

    def clean_requires_second_factor(self) -> bool:
        """Refuse what would lock out the one who asks for it."""
        is_required = bool(self.cleaned_data["requires_second_factor"])
        if is_required and not self.has_own:
            raise ValidationError("Set up a second factor of your own first, under your account.")
        return is_required


class NewOrganizationForm(OrganizationForm):
    """An organization to be made."""

    slug = forms.CharField(
        label="Name in addresses",
        max_length=63,
        validators=[SLUG],
        help_text="Lower-case letters, digits and hyphens; it stays as it is.",
    )
    field_order = ["name", "slug", "time_zone"]


class InvitationsForm(forms.Form):
    """Whom to invite, and as what."""

    addresses = forms.CharField(
        label="E-mail addresses",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocapitalize": "none"}),
        help_text="Up to 20, one a line or separated by commas.",
    )
    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: object, roles: list[tuple[str, str]], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = roles

    def clean_addresses(self) -> list[str]:
        """Return the addresses, however they were separated."""
        return str(self.cleaned_data["addresses"]).replace(",", " ").replace(";", " ").split()
