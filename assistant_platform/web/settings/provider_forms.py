"""The form of a connection: the choice of a provider, and the fields of each; services decide what can be saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

import providers.selectors
from providers.drafts import LONGEST_HEADERS, LONGEST_KEY, Draft, shown_target_uri
from providers.models import Connection, Step, Vendor

# Not for looking at: what is typed is never sent back, and browsers are asked not to keep it.
SECRET = {"class": "form-control", "autocomplete": "off", "spellcheck": "false", "hx-preserve": "true"}


class UnseenTextarea(forms.Textarea):
    """A field for several lines that are not sent back, as PasswordInput is for one."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return what is drawn, which is empty."""
        return super().get_context(name, None, attrs)


def _secret(label: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(render_value=False, attrs=SECRET)
    return forms.CharField(label=label, help_text=help_text, max_length=LONGEST_KEY, required=False, widget=widget)


def _text(label: str, help_text: str = "", *, placeholder: str = "", longest: int = 500) -> forms.CharField:
    attrs = {"class": "form-control", "placeholder": placeholder, "spellcheck": "false", "autocomplete": "off"}
    widget = forms.TextInput(attrs=attrs)
    return forms.CharField(label=label, help_text=help_text, max_length=longest, required=False, widget=widget)


class VendorFields(forms.Form):
    """The fields that one provider needs; whether they fit is for the service to say."""

    prefix = ""
    use_required_attribute = False


class PlatformFields(VendorFields):
    """Nothing: the operator set it up."""


class OpenAIFields(VendorFields):
    """One's own account at OpenAI."""

    key = _secret("API key", "From platform.openai.com, for a project that may use the model.")
    model = _text("Model", "The name as OpenAI writes it.", placeholder="gpt-5-mini", longest=200)


class AzureFields(VendorFields):
    """A deployment in one's own Azure subscription."""

    target_uri = _text(
        "Target URI",
        "In Azure, open Deployments, choose yours and copy its Target URI, with everything after the question mark.",
        placeholder="https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT/chat/completions?api-version=2024-10-21",
        longest=1000,
    )
    model = _text(
        "Deployment",
        "Only for an address that ends in /openai/v1, which names no deployment.",
        placeholder="(from the Target URI)",
        longest=200,
    )
    key = _secret("Key", "KEY 1 or KEY 2 of the same resource.")


class GeminiFields(VendorFields):
    """One's own key at Google."""

    key = _secret("API key", "From Google AI Studio, or a project with the Gemini API switched on.")
    model = _text("Model", "The name as Google writes it.", placeholder="gemini-2.5-flash", longest=200)


class BedrockFields(VendorFields):
    """Models in one's own AWS account."""

    region = _text("Region", "Where the model is enabled for your account.", placeholder="us-east-1", longest=40)
    model = _text(
        "Model",
        "A model's or an inference profile's id; it must support Converse.",
        placeholder="anthropic.claude-sonnet-4-20250514-v1:0",
        longest=200,
    )
    key = _secret("Access key id", "Of a user that may do nothing but bedrock:InvokeModel. Leave it empty for a role.")
    secret_key = _secret("Secret access key")
    role_arn = _text(
        "Role (instead of keys, or on top of them)",
        "Its trust policy names this server's AWS identity and the external id below.",
        placeholder="arn:aws:iam::123456789012:role/assistant",
        longest=200,
    )
    forgets_secrets = forms.BooleanField(
        label="Forget the stored access key", required=False, help_text="For a role that needs none."
    )


class CompatibleFields(VendorFields):
    """A server that speaks OpenAI's chat completions."""

    base_url = _text(
        "Base URL",
        "Up to /v1, without /chat/completions. Private addresses need the operator's leave.",
        placeholder="https://models.example.org/v1",
    )
    model = _text("Model", "The name as the server knows it.", placeholder="qwen3-coder-30b", longest=200)
    key = _secret("Key", "Sent as a bearer token. Leave it empty where the server wants none.")
    headers = forms.CharField(
        label="Headers",
        required=False,
        max_length=LONGEST_HEADERS,
        widget=UnseenTextarea(attrs={**SECRET, "rows": 2, "placeholder": "X-Team: security"}),
        help_text="More of them, one “Name: value” a line. Kept like keys and not shown again.",
    )
    forgets_secrets = forms.BooleanField(
        label="Forget the stored key and headers", required=False, help_text="Only what is typed here is sent then."
    )


class BuiltInFields(VendorFields):
    """Nothing: no model is asked."""


class PriceFields(forms.Form):
    """What a model costs, where the price table does not know it."""

    input_price = forms.DecimalField(
        label="Price of input", required=False, min_value=Decimal(0), max_digits=12, decimal_places=6
    )
    output_price = forms.DecimalField(
        label="Price of output", required=False, min_value=Decimal(0), max_digits=12, decimal_places=6
    )


FIELDS: dict[Vendor, type[VendorFields]] = {
    Vendor.PLATFORM: PlatformFields,
    Vendor.OPENAI: OpenAIFields,
    Vendor.AZURE_OPENAI: AzureFields,
    Vendor.GEMINI: GeminiFields,
    Vendor.BEDROCK: BedrockFields,
    Vendor.COMPATIBLE: CompatibleFields,
    Vendor.BUILT_IN: BuiltInFields,
}


@dataclass(frozen=True)
class AboutVendor:
    """What changes with the choice: who pays, whose agreement holds, which quality is known."""

    pays: str
    agreement: str
    quality: str


_NOT_MEASURED = "Not measured on your findings yet."
ABOUT_VENDORS = {
    Vendor.PLATFORM: AboutVendor(
        "Whoever runs this server.", "The one that the operator of this server has with the provider.", _NOT_MEASURED
    ),
    Vendor.OPENAI: AboutVendor(
        "You, by your OpenAI account.", "Yours with OpenAI, also for how long it keeps what it receives.", _NOT_MEASURED
    ),
    Vendor.AZURE_OPENAI: AboutVendor(
        "You, by your Azure subscription.", "Yours with Microsoft; its content filter is in force.", _NOT_MEASURED
    ),
    Vendor.GEMINI: AboutVendor(
        "You, by your Google account.",
        "Yours with Google. With a free key Google may use what it receives to improve its products.",
        _NOT_MEASURED,
    ),
    Vendor.BEDROCK: AboutVendor(
        "You, by your AWS account.",
        "Yours with AWS; code stays in the region, or the inference profile's regions.",
        _NOT_MEASURED,
    ),
    Vendor.COMPATIBLE: AboutVendor(
        "Whoever runs the endpoint.",
        "Yours with them; with a model on your own machines code stays with you.",
        "Small models answer less reliably. " + _NOT_MEASURED,
    ),
    Vendor.BUILT_IN: AboutVendor(
        "Nobody: no model is asked.",
        "None is needed: code stays on this server.",
        # `python -m bench labelled`, 2026-11; raise them with the facts that Built-in gathers.
        "Measured on 1,493 labelled findings of two public benchmarks, without 7 whose label is doubted: 282 called"
        " false positives, all of them rightly; 648 left undecided. On 79 findings of real applications it left 56"
        " undecided and called no real problem a false positive. Never more than medium confidence.",
    ),
}


@dataclass
class VendorChoice:
    """One provider that can be chosen, with its fields."""

    vendor: Vendor
    fields: VendorFields
    about: AboutVendor
    is_chosen: bool


class ConnectionForms:
    """The whole form: which provider, its fields, prices, and where in the order it goes."""

    def __init__(
        self, *, vendor: Vendor, sent: QueryDict | None, initial: dict[str, Any], first: Vendor | None, is_first: bool
    ) -> None:
        self.vendor = vendor
        self.is_first = is_first
        self.problem = ""
        self._own = {
            each: FIELDS[each](
                sent if each == vendor else None, prefix=each, initial=initial if each == first else None
            )
            for each in Vendor
        }
        self.prices = PriceFields(sent, initial=initial)

    @property
    def choices(self) -> Iterator[VendorChoice]:
        """Yield every provider that can be chosen here."""
        has_platform = providers.selectors.platform_choice() is not None
        for vendor, fields in self._own.items():
            if vendor != Vendor.PLATFORM or has_platform or vendor == self.vendor:
                yield VendorChoice(vendor, fields, ABOUT_VENDORS[vendor], vendor == self.vendor)

    def is_valid(self) -> bool:
        """Tell whether what was sent has the shape of a connection."""
        return all([self._own[self.vendor].is_valid(), self.prices.is_valid()])

    def draft(self) -> Draft:
        """Return what was sent, as the service takes it."""
        return Draft(vendor=self.vendor, **self._own[self.vendor].cleaned_data, **self.prices.cleaned_data)

    def add_error(self, field: str, message: str) -> None:
        """Say what is wrong beside the field that it is about, or above them all."""
        for form in (self._own[self.vendor], self.prices):
            if field in form.fields:
                form.add_error(field, message)
                return
        self.problem = message


def connection_forms(sent: QueryDict, *, connection: Connection | None) -> ConnectionForms:
    """Return the form as it was sent."""
    named = str(sent.get("vendor", ""))
    vendor = Vendor(named) if named in Vendor.values else Vendor.OPENAI
    return ConnectionForms(
        vendor=vendor, sent=sent, initial={}, first=None, is_first=sent.get("place", "first") == "first"
    )


def empty_forms() -> ConnectionForms:
    """Return the form of a new connection."""
    return ConnectionForms(vendor=Vendor.OPENAI, sent=None, initial={}, first=None, is_first=True)


def forms_of(connection: Connection) -> ConnectionForms:
    """Return the form of a connection, without its secrets."""
    vendor = Vendor(connection.vendor)
    is_azure = vendor == Vendor.AZURE_OPENAI
    initial = {
        "model": "" if is_azure and connection.api_version else connection.model,
        "target_uri": shown_target_uri(connection) if is_azure else "",
        "base_url": connection.base_url,
        "region": connection.region,
        "role_arn": connection.role_arn,
        "input_price": connection.input_price,
        "output_price": connection.output_price,
    }
    return ConnectionForms(vendor=vendor, sent=None, initial=initial, first=vendor, is_first=False)


class StepModelForm(forms.Form):
    """Which model answers one step; both fields empty for the connections' own."""

    connection = forms.ChoiceField(required=False)
    model = forms.CharField(required=False, max_length=200)

    def __init__(
        self, sent: QueryDict | None, *, step: Step, connections: list[Connection], initial: dict[str, Any] | None
    ) -> None:
        super().__init__(sent, prefix=step.name.lower(), initial=initial)
        self.step = step
        self.label = step.label
        self._connections = {str(entry.pk): entry for entry in connections}
        choices = [("", "As the connections are set up"), *((key, str(row)) for key, row in self._connections.items())]
        chosen = self.fields["connection"]
        assert isinstance(chosen, forms.ChoiceField)
        chosen.choices = choices

    def clean(self) -> dict[str, Any]:
        """Want both, or none."""
        sent: dict[str, Any] = super().clean() or {}
        if sent.get("connection") and not sent.get("model"):
            self.add_error("model", "Name the model.")
        if sent.get("model") and not sent.get("connection") and "connection" in sent:
            self.add_error("connection", "Choose which connection asks this model.")
        return sent

    def choice(self) -> tuple[Connection, str] | None:
        """Return what was chosen, as the service takes it."""
        key = self.cleaned_data["connection"]
        return (self._connections[key], self.cleaned_data["model"]) if key else None


def step_model_forms(sent: QueryDict | None = None) -> list[StepModelForm]:
    """Return a form for each step, filled with what was sent, or with what is saved."""
    without_choice = {Vendor.PLATFORM, Vendor.BUILT_IN}
    rows = [row for row in providers.selectors.connections() if row.vendor not in without_choice]
    saved = providers.selectors.step_models()
    return [
        StepModelForm(
            sent,
            step=step,
            connections=rows,
            initial={"connection": saved[step].connection_id, "model": saved[step].model} if step in saved else None,
        )
        for step in Step
    ]
