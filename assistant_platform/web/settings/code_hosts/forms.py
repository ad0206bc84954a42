"""What Admins type about a code host: one form, whose fields follow from what is connected and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms

from assistant_platform.web.settings.provider_forms import UnseenTextarea
from scm.certificates import LONGEST_BUNDLE
from scm.drafts import (
    GITHUB,
    GITLAB,
    LONGEST_PRIVATE_KEY,
    LONGEST_TOKEN,
    LONGEST_URL,
    LONGEST_WEBHOOK_SECRET,
    HostDraft,
)
from scm.models import CodeHost, HostKind

LONGEST_APP_NAME = 34  # GitHub's own
WITHOUT_COMPLETION = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


@dataclass(frozen=True)
class Choice:
    """One way to connect a code host. `base_url` is empty where people type it; `way` is app, existing-app or token."""

    kind: HostKind
    title: str
    base_url: str
    way: str

    @property
    def is_app(self) -> bool:
        """Whether a GitHub App speaks there, be it made now or there already."""
        return self.way != "token"


_CLOUD, _SERVER = "GitHub", "GitHub Enterprise Server"
CHOICES = {
    "github-app": Choice(HostKind.GITHUB, _CLOUD, GITHUB, "app"),
    "github-existing-app": Choice(HostKind.GITHUB, _CLOUD, GITHUB, "existing-app"),
    "github-token": Choice(HostKind.GITHUB, _CLOUD, GITHUB, "token"),
    "github-server-app": Choice(HostKind.GITHUB, _SERVER, "", "app"),
    "github-server-existing-app": Choice(HostKind.GITHUB, _SERVER, "", "existing-app"),
    "github-server-token": Choice(HostKind.GITHUB, _SERVER, "", "token"),
    "gitlab": Choice(HostKind.GITLAB, "GitLab.com", GITLAB, "token"),
    "gitlab-server": Choice(HostKind.GITLAB, "self-managed GitLab", "", "token"),
}
FIELDS_OF_WAY = {
    "app": ("account", "app_name"),
    "existing-app": ("app_id", "private_key", "webhook_secret"),
    "token": ("token",),
}


def choice_of(host: CodeHost) -> Choice:
    """Return the choice that a saved host was."""
    way = "existing-app" if host.is_app else "token"
    is_cloud = host.base_url in {GITHUB, GITLAB}
    found = (
        each for each in CHOICES.values() if (each.kind, each.way, bool(each.base_url)) == (host.kind, way, is_cloud)
    )
    return next(found)


class BundleTextarea(forms.Textarea):
    """A field for certificates that does not repeat megabytes of something else."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what is drawn, which is empty for what is too long."""
        return super().get_context(name, None if value and len(value) > LONGEST_BUNDLE else value, attrs)


class HostForm(forms.Form):
    """How a code host is reached; whether it can be right is for the service to say."""

    use_required_attribute = False

    base_url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.URLInput(attrs={**WITHOUT_COMPLETION, "placeholder": "https://code.example.com"}),
        help_text="As people open it in their browser, without /api. Private addresses need the operator's leave.",
    )
    account = forms.RegexField(
        label="Organization on GitHub",
        regex=r"\A[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})\Z",
        required=False,
        strip=True,
        widget=forms.TextInput(attrs=WITHOUT_COMPLETION),
        error_messages={"invalid": "This cannot be the name of an organization on GitHub."},
        help_text="Which shall own the App. Leave it empty for your own account.",
    )
    app_name = forms.CharField(
        label="Name of the App",
        max_length=LONGEST_APP_NAME,
        widget=forms.TextInput(attrs=WITHOUT_COMPLETION),
        help_text="Developers read it beside each comment. No other App on GitHub may have it.",
    )
    token = forms.CharField(
        label="Access token",
        max_length=LONGEST_TOKEN,
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs=WITHOUT_COMPLETION),
    )
    app_id = forms.CharField(
        label="App ID",
        max_length=20,
        widget=forms.TextInput(attrs={**WITHOUT_COMPLETION, "inputmode": "numeric"}),
        help_text="The number on the App's page, not the client ID.",
    )
    private_key = forms.CharField(
        label="Private key",
        max_length=LONGEST_PRIVATE_KEY,
        required=False,
        strip=False,
        widget=UnseenTextarea(attrs={**WITHOUT_COMPLETION, "rows": 4}),
        help_text="The whole .pem file that GitHub gives you under “Private keys”.",
    )
    webhook_secret = forms.CharField(
        label="Webhook secret",
        max_length=LONGEST_WEBHOOK_SECRET,
        required=False,
        widget=forms.PasswordInput(render_value=False, attrs=WITHOUT_COMPLETION),
        help_text="As it stands in the App's settings. Leave it empty to have one made, which you then enter there.",
    )
    proxy_url = forms.CharField(
        label="HTTP proxy",
        max_length=LONGEST_URL,
        required=False,
        widget=forms.TextInput(attrs={**WITHOUT_COMPLETION, "placeholder": "http://proxy.example.com:8080"}),
        help_text="Only if this server reaches the host through one.",
    )
    ca_bundle = forms.CharField(
        label="Trusted certificates",
        max_length=LONGEST_BUNDLE,
        required=False,
        widget=BundleTextarea(attrs={**WITHOUT_COMPLETION, "rows": 4}),
        help_text="Of your own certificate authority (PEM), beside those that this server trusts.",
    )

    def __init__(self, *args: Any, choice: Choice, host: CodeHost | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.choice = choice
        self.host = host
        kept = {"proxy_url", "ca_bundle", *FIELDS_OF_WAY[choice.way], *(() if choice.base_url else ("base_url",))}
        for name in self.fields.keys() - kept:
            del self.fields[name]
        if "token" in self.fields:
            self.fields["token"].help_text = (
                "A classic token with the scope repo, or a fine-grained one for the repositories."
                if choice.kind == HostKind.GITHUB
                else "Of a group, a project or a person, with the scope api and at least the role Developer."
            )
        for name in ("token", "private_key"):
            if name in self.fields:
                self.fields[name].required = host is None
        for name in ("token", "private_key", "webhook_secret"):
            if name in self.fields and host is not None:
                self.fields[name].help_text = "Stored, and not shown again. Leave it empty to keep it."

    @property
    def way_fields(self) -> list[forms.BoundField]:
        """Return what everybody has to fill in."""
        return [field for field in self if field.name not in {"proxy_url", "ca_bundle"}]

    @property
    def network_fields(self) -> list[forms.BoundField]:
        """Return what only companies with a proxy or an authority of their own need."""
        return [field for field in self if field.name in {"proxy_url", "ca_bundle"}]

    @property
    def opens_network(self) -> bool:
        """Whether the proxy and the certificates are to be seen at once."""
        return any(field.value() or field.errors for field in self.network_fields)

    def draft(self) -> HostDraft:
        """Return what was sent, as the service takes it."""
        sent = dict(self.cleaned_data)
        for name in ("account", "app_name"):
            sent.pop(name, None)
        sent.setdefault("base_url", self.choice.base_url)
        return HostDraft(kind=self.choice.kind, is_app=self.choice.is_app, **sent)

    def draft_of_place(self) -> HostDraft:
        """Return where the host is, before there is anything that lets us in."""
        sent = self.cleaned_data
        base_url = sent.get("base_url") or self.choice.base_url
        return HostDraft(
            kind=self.choice.kind, base_url=base_url, proxy_url=sent["proxy_url"], ca_bundle=sent["ca_bundle"]
        )

    def refuse(self, message: str, *, field: str) -> None:
        """Say what is wrong beside the field that it is about, or above them all."""
        self.add_error(field if field in self.fields else None, message)


def form_of(host: CodeHost) -> HostForm:
    """Return the form of a saved host, without its secrets."""
    initial = {name: getattr(host, name) for name in ("base_url", "app_id", "proxy_url", "ca_bundle")}
    return HostForm(choice=choice_of(host), host=host, initial=initial)
