"""The page of the AI provider: what is saved was proved, what is not says why, and keys are never shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

import orgs.services
import providers.services
from events.kinds import SYSTEM
from events.models import Event
from lib.http.policy import Policy, in_force
from providers.adapters import close_clients
from providers.drafts import ConnectionRefused, Draft
from providers.models import Connection, Step, StepModel, Vendor
from providers.sealing import open_sealed
from providers.selectors import choices_for, chosen
from tenancy.models import Organization
from tests.vendors.azure_openai_server import DEPLOYMENT, AzureOpenAIServer
from tests.vendors.openai_server import OpenAIServer, completion, error

ClientFor = Callable[[User], Client]

ADDRESS = "/orgs/acme/settings/provider/"
KEY = "sk-own-0123456789abcdefghij"
READY = completion({"ready": True})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as entered:
        yield entered
    close_clients()


@pytest.fixture
def server(stack: ExitStack) -> OpenAIServer:
    """A server of one's own, on an address that the operator lets people type."""
    stack.enter_context(in_force(Policy.of(allowed=["127.0.0.0/8"], ports=["*"])))
    return stack.enter_context(OpenAIServer().running())


@pytest.fixture
def azure(stack: ExitStack, settings: Settings) -> AzureOpenAIServer:
    """Azure, behind a gateway that the operator trusts."""
    settings.AZURE_OPENAI_GATEWAYS = {"127.0.0.1"}
    server = AzureOpenAIServer()
    stack.enter_context(server.running())
    return server


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    """Alice's; Acme lets its code go."""
    orgs.services.give_consent(actor=SYSTEM)
    return client_for(alice)


def compatible(server: OpenAIServer, **changes: str) -> dict[str, str]:
    """Return the form of a server of one's own."""
    fields = {"base_url": server.url, "model": "qwen3-8b", "key": KEY, **changes}
    return {"vendor": "compatible", **{f"compatible-{name}": value for name, value in fields.items()}}


def added(browser: Client, server: OpenAIServer, *, place: str = "first", **changes: str) -> Connection:
    """Return a connection that was added by the page."""
    server.answer(READY)
    response = browser.post(f"{ADDRESS}add/", {**compatible(server, **changes), "place": place})
    assert response.status_code == 302, response.content.decode()
    return Connection.objects.latest("pk")


def labels(step: str = Step.VERDICT) -> list[str]:
    return [choice.label for choice in choices_for(step)]


def test_a_connection_that_answers_is_saved_sealed_and_answers_from_then_on(
    browser: Client, server: OpenAIServer
) -> None:
    saved = added(browser, server, headers="X-Team: security")

    assert (saved.base_url, saved.model, saved.saved_by) == (server.url, "qwen3-8b", "alice@acme.example")
    assert KEY not in saved.sealed_secrets
    assert open_sealed(saved.sealed_secrets).key == KEY
    assert server.exchanges[0].headers["X-Team"] == "security"
    assert chosen().credentials.key == KEY
    assert Event.objects.get(kind="connection_saved").subject["connection_id"] == saved.pk


def test_azure_is_saved_by_its_target_uri_and_shown_by_it(browser: Client, azure: AzureOpenAIServer) -> None:
    azure.answer(READY)

    browser.post(
        f"{ADDRESS}add/",
        {"vendor": "azure_openai", "azure_openai-target_uri": f" {azure.target_uri} ", "azure_openai-key": KEY},
    )

    saved = Connection.objects.get()
    assert (saved.base_url, saved.model, saved.api_version) == (azure.endpoint, DEPLOYMENT, "2024-10-21")
    assert azure.violations == []
    assert azure.target_uri in browser.get(f"{ADDRESS}{saved.pk}/").content.decode().replace("&amp;", "&")


def test_a_refused_key_is_worded_beside_its_field_and_nothing_is_saved(browser: Client, server: OpenAIServer) -> None:
    server.answer(error(401, f"Incorrect API key provided: {KEY}"))

    response = browser.post(f"{ADDRESS}add/", compatible(server))

    page = response.content.decode()
    assert response.status_code == 422
    assert "refuses the API key (401)" in page.split('id="id_compatible-key_error"')[1][:300]
    assert KEY not in page
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "ftp://models.example.org"}, "Give a web address"),
        ({"base_url": "https://user:pw@models.example.org/v1"}, "a name or a password"),
        ({"base_url": "https://models.example.org/v1/chat/completions"}, "Leave /chat/completions away"),
        ({"base_url": "http://127.0.0.1:1/v1"}, "cannot be reached"),
        ({"model": ""}, "Name the model"),
        ({"model": "two words"}, "cannot be the name of a model"),
        ({"key": "sk-ключ"}, "characters that no key has"),
        ({"headers": "no colon"}, "Name: value"),
        ({"headers": "Host: elsewhere"}, "set by the Assistant"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(
    browser: Client, server: OpenAIServer, changes: dict[str, str], words: str
) -> None:
    response = browser.post(f"{ADDRESS}add/", compatible(server, **changes))

    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert (server.asked, Connection.objects.exists()) == (0, False)


def test_a_private_address_is_refused_unless_the_operator_allows_it(browser: Client, server: OpenAIServer) -> None:
    with in_force(Policy.of(allowed=[], ports=["*"])):
        response = browser.post(f"{ADDRESS}add/", compatible(server))

    page = response.content.decode()
    assert "OUTBOUND_ALLOWED_NETWORKS" in page.split('id="id_compatible-base_url_error"')[1][:400]
    assert server.asked == 0


def test_switching_keeps_the_old_one_until_the_new_one_works(browser: Client, server: OpenAIServer) -> None:
    old = added(browser, server)
    server.answer(error(404, "no such model"))

    refused = browser.post(f"{ADDRESS}{old.pk}/save/", compatible(server, model="gone"))
    before = chosen().credentials.model
    server.answer(READY)
    browser.post(f"{ADDRESS}{old.pk}/save/", compatible(server, model="qwen3-32b", key=""))

    assert (refused.status_code, before) == (422, "qwen3-8b")
    assert (chosen().credentials.model, chosen().credentials.key) == ("qwen3-32b", KEY)


def test_a_stored_key_is_not_sent_to_another_address(browser: Client, server: OpenAIServer, stack: ExitStack) -> None:
    old = added(browser, server)
    elsewhere = stack.enter_context(OpenAIServer().running())

    response = browser.post(f"{ADDRESS}{old.pk}/save/", compatible(elsewhere, key=""))

    assert "given for the old one" in response.content.decode()
    assert (elsewhere.asked, chosen().credentials.base_url) == (0, server.url)


def test_a_connection_changed_meanwhile_is_not_written_over(browser: Client, server: OpenAIServer) -> None:
    read_before = added(browser, server)
    server.answer(READY, READY)
    browser.post(f"{ADDRESS}{read_before.pk}/save/", compatible(server, model="qwen3-32b"))
    draft = Draft(vendor=Vendor.COMPATIBLE, base_url=server.url, model="late")

    with pytest.raises(ConnectionRefused, match="Somebody else has changed"):
        providers.services.change_connection(connection=read_before, draft=draft, actor=SYSTEM)

    assert Connection.objects.get().model == "qwen3-32b"


def test_fallbacks_are_ordered_moved_and_removed(browser: Client, server: OpenAIServer) -> None:
    added(browser, server, model="one")
    two = added(browser, server, model="two", place="last")
    three = added(browser, server, model="three", place="first")
    order = labels()

    browser.post(f"{ADDRESS}{two.pk}/move/", {"direction": "up"})
    moved = labels()
    browser.post(f"{ADDRESS}{three.pk}/remove/")

    name = "OpenAI-compatible server ({})".format
    assert order == [name("three"), name("one"), name("two")]
    assert moved == [name("three"), name("two"), name("one")]
    assert labels() == [name("two"), name("one")]
    assert list(Connection.objects.order_by("position").values_list("position", flat=True)) == [0, 1]


def test_the_platforms_provider_stands_in_only_where_an_admin_added_it(
    browser: Client, server: OpenAIServer, settings: Settings
) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "sk-platform", server.url, "gpt-5-mini"
    alone = labels()
    added(browser, server)
    own = labels()
    server.answer(READY)

    browser.post(f"{ADDRESS}add/", {"vendor": "platform", "place": "last"})

    assert (len(alone), len(own), len(labels())) == (1, 1, 2)
    assert choices_for(Step.VERDICT)[1].credentials.key == "sk-platform"


def test_built_in_answers_and_nobody_after_it(browser: Client, server: OpenAIServer) -> None:
    added(browser, server)

    browser.post(f"{ADDRESS}add/", {"vendor": "built_in", "place": "first"})

    assert labels() == ["Built-in (no model)"]
    assert b"Never asked" in browser.get(ADDRESS).content


def test_without_consent_built_in_answers_and_the_page_says_so(browser: Client, server: OpenAIServer) -> None:
    added(browser, server)

    orgs.services.withdraw_consent(actor=SYSTEM)

    assert labels() == ["Built-in (no model)"]
    assert b"Nothing is sent yet" in browser.get(ADDRESS).content


def test_a_step_has_a_model_of_its_own_once_that_answered(browser: Client, server: OpenAIServer) -> None:
    saved = added(browser, server)
    sent = {"autofix-connection": str(saved.pk), "autofix-model": "qwen3-coder"}
    server.answer(error(404, "no such model"), READY)

    refused = browser.post(f"{ADDRESS}models/", sent)
    kept = labels(Step.AUTOFIX)
    browser.post(f"{ADDRESS}models/", sent)

    assert (refused.status_code, len(kept)) == (422, 1)
    assert b"knows no such model" in refused.content
    assert labels(Step.AUTOFIX) == ["OpenAI-compatible server (qwen3-coder)", "OpenAI-compatible server (qwen3-8b)"]
    assert labels(Step.VERDICT) == ["OpenAI-compatible server (qwen3-8b)"]
    assert StepModel.objects.count() == 1


def test_a_test_of_a_connection_tells_and_keeps_what_is_wrong(browser: Client, server: OpenAIServer) -> None:
    saved = added(browser, server)
    server.answer(error(401, "revoked"), READY)

    failed = browser.post(f"{ADDRESS}{saved.pk}/check/", follow=True).content
    problem = Connection.objects.get().problem
    well = browser.post(f"{ADDRESS}{saved.pk}/check/", follow=True).content

    assert b"refuses the API key (401)" in failed
    assert b"Cannot answer" in failed
    assert problem == "The provider refuses the API key (401). Check the key."
    assert b"answered." in well
    assert Connection.objects.get().problem == ""


def test_a_key_that_cannot_be_opened_leaves_the_page_working(
    browser: Client, server: OpenAIServer, settings: Any
) -> None:
    saved = added(browser, server)
    settings.FIELD_ENCRYPTION_KEYS = ["another"]

    page = browser.post(f"{ADDRESS}{saved.pk}/check/", follow=True).content.decode()

    assert "FIELD_ENCRYPTION_KEYS" in page
    assert choices_for(Step.VERDICT)[0].adapter == "unusable"
    assert browser.get(f"{ADDRESS}{saved.pk}/").status_code == 200


def test_a_connection_of_another_organization_is_not_found(
    browser: Client, server: OpenAIServer, charlie: User, client_for: ClientFor
) -> None:
    saved = added(browser, server)

    assert client_for(charlie).post(f"/orgs/umbrella/settings/provider/{saved.pk}/remove/").status_code == 404
    assert Connection.objects.exists()


def test_a_key_that_is_revoked_while_jobs_run_is_told_to_admins_until_it_works_again(
    browser: Client, server: OpenAIServer, bob: User, client_for: ClientFor
) -> None:
    saved = added(browser, server)
    providers.services.note_problem(saved.pk, problem="The provider refuses the API key (401).")
    providers.services.note_problem(saved.pk, problem="The provider refuses the API key (401).")

    pages = [browser.get(f"/orgs/acme/{page}").content for page in ("findings/", "settings/deployment/")]
    of_a_member = client_for(bob).get("/orgs/acme/findings/").content
    providers.services.note_success(saved.pk)
    afterwards = browser.get("/orgs/acme/findings/").content

    assert [b"refuses the API key (401)" in page for page in pages] == [True, True]
    assert Event.objects.filter(kind="connection_refused").count() == 1
    assert b"refuses the API key" not in of_a_member
    assert b"refuses the API key" not in afterwards


def test_routing_costs_three_short_reads(
    browser: Client, server: OpenAIServer, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    added(browser, server)

    with django_assert_num_queries(3):
        choices_for(Step.VERDICT)
