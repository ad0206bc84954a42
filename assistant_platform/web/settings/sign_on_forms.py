"""What Admins type about identity providers and domains."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from orgs.permissions import Role
from orgs.sign_on.identity_providers import SamlIdentityProvider, Unusable, identity_provider, parse_metadata

GIVEN_ROLES = [(role.value, role.label) for role in (Role.READ_ONLY, Role.MEMBER, Role.MANAGER)]


class _CommonForm(forms.Form):
    name = forms.CharField(max_length=60, help_text="What people read on the sign-in page, such as Example Inc.")
    default_role = forms.ChoiceField(
        label="Role of new people",
        choices=GIVEN_ROLES,
        initial=Role.MEMBER,
        help_text="What somebody who signs in for the first time becomes. Only an Admin makes somebody Admin.",
    )


class OidcForm(_CommonForm):
    """An OpenID Connect provider."""

    issuer = forms.URLField(
        max_length=500,
        assume_scheme="https",
        help_text="Without /.well-known/openid-configuration, such as https://login.example.com.",
    )
    client_id = forms.CharField(label="Client ID", max_length=255)
    secret = forms.CharField(
        label="Client secret",
        max_length=1000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Kept sealed and never shown again. Leave empty to keep the one that is there.",
    )
    field_order = ["name", "issuer", "client_id", "secret", "default_role"]


class SamlForm(_CommonForm):
    """A SAML identity provider: its metadata by address or as text, or its three parts."""

    metadata_url = forms.URLField(
        label="Metadata address",
        max_length=1000,
        required=False,
        assume_scheme="https",
        help_text="Read now, and again whenever you save. Or give one of the two below instead.",
    )
    metadata = forms.CharField(
        label="Metadata",
        max_length=200_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="The identity provider's XML.",
    )
    entity_id = forms.CharField(label="Entity ID of the identity provider", max_length=500, required=False)
    sso_url = forms.URLField(
        label="Sign-in address (HTTP-Redirect)", max_length=1000, required=False, assume_scheme="https"
    )
    certificates = forms.CharField(
        label="Signing certificates",
        max_length=20_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="PEM or base64, an empty line between two.",
    )
    id_attribute = forms.CharField(
        label="Attribute of the identifier",
        max_length=200,
        required=False,
        initial="id",
        help_text="What never changes for a person. Where it is not sent, the NameID is taken.",
    )
    email_attribute = forms.CharField(label="Attribute of the e-mail address", max_length=200, initial="email")
    first_name_attribute = forms.CharField(
        label="Attribute of the first name", max_length=200, required=False, initial="firstName"
    )
    last_name_attribute = forms.CharField(
        label="Attribute of the last name", max_length=200, required=False, initial="lastName"
    )
    may_begin_there = forms.BooleanField(
        label="Sign-in may begin at the identity provider",
        required=False,
        help_text="For its page of applications. Less safe: nothing shows that the person asked to sign in here.",
    )
    field_order = [
        "name", "metadata_url", "metadata", "entity_id", "sso_url", "certificates", "id_attribute", "email_attribute",
        "first_name_attribute", "last_name_attribute", "may_begin_there", "default_role",
    ]  # fmt: skip

    typed: SamlIdentityProvider | None = None  # None where it stands at the metadata address

    def clean(self) -> None:
        """Read what was typed, unless an address is given."""
        sent = super().clean() or self.cleaned_data
        if sent.get("metadata_url"):
            return
        try:
            if sent.get("metadata"):
                self.typed = parse_metadata(sent["metadata"])
            else:
                parts = {name: sent.get(name, "") for name in ("entity_id", "sso_url", "certificates")}
                self.typed = identity_provider(**parts)
        except Unusable as error:
            raise ValidationError(str(error)) from error

    def attributes(self) -> dict[str, str]:
        """Return the names of the attributes."""
        names = ("id", "email", "first_name", "last_name")
        return {name: self.cleaned_data[f"{name}_attribute"].strip() for name in names}
