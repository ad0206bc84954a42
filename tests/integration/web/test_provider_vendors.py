"""Each vendor through the page, with its own SDK, against a server that holds requests to its description."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
import providers.selectors
from events.kinds import SYSTEM
from providers.adapters import close_clients
from providers.adapters.base import Credentials
from providers.models import Connection
from providers.selectors import chosen
from tenancy.models import Organization
from tests.contract.speakers import SPEAKERS
from tests.contract.speakers.base import SECRET, Speaker
from tests.contract.speakers.bedrock import ACCESS_KEY
from tests.vendors import bedrock_server

ADDRESS = "/orgs/acme/settings/provider/"
FORMS = {
    "openai": {"key": SECRET, "model": "gpt-5-mini"},
    "gemini": {"key": SECRET, "model": "gemini-2.5-flash"},
    "bedrock": {
        "key": ACCESS_KEY,
        "secret_key": SECRET,
        "model": bedrock_server.MODEL,
        "region": bedrock_server.REGION,
    },
}


@pytest.fixture(params=list(FORMS))
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Speaker]:
    """A vendor whose own address leads to loopback."""
    usual = providers.selectors.credentials_with
    with ExitStack() as stack:
        speaker_class = SPEAKERS[request.param]
        speaker = speaker_class(stack.enter_context(speaker_class.make_server().running()))

        def at_home(*args: Any, **kwargs: Any) -> Credentials:
            return replace(usual(*args, **kwargs), base_url=speaker.credentials().base_url)

        monkeypatch.setattr(providers.selectors, "credentials_with", at_home)
        yield speaker
    close_clients()
    assert not speaker.server.violations


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: Callable[[User], Client]) -> Client:
    orgs.services.give_consent(actor=SYSTEM)
    return client_for(alice)


def form(vendor: Speaker) -> dict[str, str]:
    fields = FORMS[vendor.adapter]
    return {"vendor": vendor.adapter, **{f"{vendor.adapter}-{name}": value for name, value in fields.items()}}


def test_a_vendor_is_proved_and_answers(vendor: Speaker, browser: Client) -> None:
    vendor.server.answer(vendor.answered('{"ready": true}'))

    response = browser.post(f"{ADDRESS}add/", form(vendor))

    assert response.status_code == 302
    assert (chosen().adapter, chosen().connection_id) == (vendor.adapter, Connection.objects.get().pk)


@pytest.mark.parametrize(
    ("trouble", "fields"), [("wrong_key", {"key"}), ("unknown_model", {"model"}), ("quota_used_up", {"key", ""})]
)
def test_what_a_vendor_refuses_is_worded_beside_its_field(
    vendor: Speaker, browser: Client, trouble: str, fields: set[str]
) -> None:
    vendor.server.answer(getattr(vendor, trouble)())

    page = browser.post(f"{ADDRESS}add/", form(vendor)).content.decode()

    told = {field for field in (*FORMS[vendor.adapter], "") if f'id="id_{vendor.adapter}-{field}_error"' in page}
    assert (told or {""}) <= fields
    assert 'class="field-error"' in page or "notice-error" in page
    assert SECRET not in page
    assert not Connection.objects.exists()
