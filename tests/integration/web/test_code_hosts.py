"""Settings > Code hosts: what is saved was proved, what is not says why, and secrets are never shown again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

import orgs.selectors
import scm.selectors
import scm.services
from events.kinds import SYSTEM
from events.models import Event
from lib.http.policy import Policy, in_force
from orgs.models import Project
from scm.access import access_of
from scm.adapters.base import NotAllowed, ScmError, WrongCredentials
from scm.adapters.values import InstallationFacts, PermissionCheck
from scm.drafts import HostDraft, HostRefused
from scm.models import CodeHost, HostKind, Installation, PullRequest, Repository
from tenancy.models import Organization
from tenancy.scope import acting_for
from tenancy.sealing import open_secrets
from tests import factories
from tests.integration.scm.certificates import a_private_key, an_authority
from tests.vendors.memory_host import MemoryHost, memory_host  # noqa: F401  (a fixture)

ClientFor = Callable[[User], Client]

ADDRESS = "/orgs/acme/settings/code-hosts/"
TOKEN = "glpat-zebra-7716-token"
SERVER = "https://code.example.com"


@pytest.fixture(autouse=True)
def names() -> Iterator[None]:
    """Every name is one of a public address, but for `inside.example.com`."""

    def resolve(host: str, port: int) -> list[str]:
        return ["10.0.0.7"] if host == "inside.example.com" else ["93.184.216.34"]

    cache.clear()
    with in_force(Policy(resolve=resolve)):
        yield


@pytest.fixture
def there(memory_host: MemoryHost) -> MemoryHost:  # noqa: F811
    """The host behind every address."""
    return memory_host


@pytest.fixture
def browser(in_acme: Organization, alice: User, client_for: ClientFor) -> Client:
    return client_for(alice)


def send(browser: Client, choice: str = "gitlab-server", **fields: str) -> Any:
    sent = {"base_url": SERVER, "token": TOKEN, **fields}
    return browser.post(f"{ADDRESS}new/?choice={choice}", sent)


def connected(**fields: Any) -> CodeHost:
    """Return a host that was connected."""
    draft = HostDraft(**{"kind": HostKind.GITLAB, "base_url": SERVER, "token": TOKEN, **fields})
    return scm.services.connect_host(draft=draft, actor=SYSTEM)


def connected_app(there: MemoryHost) -> CodeHost:
    """Return a GitHub App that is installed on one account."""
    there.installed = [InstallationFacts("77", "acme", permissions={"contents": "write"})]
    return connected(
        kind=HostKind.GITHUB,
        is_app=True,
        token="",
        app_id="12",
        private_key=a_private_key(),
        base_url="https://github.com",
    )


def page_of(response: Any) -> str:
    return str(response.content.decode())


# --- Connecting -------------------------------------------------------------------------------------------------------


def test_a_host_that_lets_us_in_is_saved_sealed(browser: Client, there: MemoryHost) -> None:
    response = send(browser, base_url=" https://Code.Example.com/gitlab/ ")

    host = CodeHost.objects.get()
    assert response["Location"] == f"{ADDRESS}{host.pk}/repositories/"
    assert (host.kind, host.base_url, host.account) == ("gitlab", "https://code.example.com/gitlab", "assistant[bot]")
    assert (host.saved_by, host.problem, len(host.hook_key)) == ("alice@acme.example", "", 32)
    assert open_secrets(host.sealed_secrets)["token"] == TOKEN
    assert len(open_secrets(host.sealed_secrets)["webhook_secret"]) > 40
    assert Event.objects.get(kind="code_host_saved").subject["server"] == "code.example.com"


@pytest.mark.parametrize(
    ("error", "field"),
    [
        (WrongCredentials("The host does not know the token (401)."), "token"),
        (NotAllowed("The token lacks the scope api (403)."), "token"),
        (
            ScmError("It cannot be reached: nobody we know signed its certificate.", permanent=True),
            "base_url",
        ),
    ],
)
def test_a_host_that_does_not_let_us_in_is_not_saved_and_says_why(
    browser: Client, there: MemoryHost, error: ScmError, field: str
) -> None:
    there.fail("whoami", error)

    response = send(browser)

    assert response.status_code == 422
    assert str(error) in page_of(response).split(f'id="id_{field}-error"')[1]
    assert TOKEN not in page_of(response)
    assert not CodeHost.objects.exists()


def test_a_token_that_may_not_read_code_is_not_saved(browser: Client, there: MemoryHost) -> None:
    there.checks = [PermissionCheck("api", "reading code", granted=False)]

    response = send(browser)

    assert "does not let it read code. Missing: api." in page_of(response)
    assert not CodeHost.objects.exists()


def test_what_is_missing_is_told_and_shown(browser: Client, there: MemoryHost) -> None:
    there.checks = [
        PermissionCheck("contents: read", "reading code", granted=True),
        PermissionCheck("contents: write", "fix pull requests", granted=False, detail="Choose read and write."),
        PermissionCheck("checks: write", "the check", granted=None),
    ]

    send(browser, choice="github-server-token")

    page = page_of(browser.get(f"{ADDRESS}{CodeHost.objects.get().pk}/"))
    assert "Missing there: contents: write (fix pull requests)." in page
    assert [page.count(f">{word}</span></td>") for word in ("Yes", "No", "Unknown")] == [1, 1, 1]
    assert "Choose read and write." in page


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"base_url": "https://10.0.0.7"}, "private or reserved address"),
        ({"base_url": "https://inside.example.com"}, "private or reserved address"),
        ({"base_url": "https://169.254.169.254"}, "private or reserved address"),
        ({"base_url": "http://code.example.com"}, "Use https://"),
        ({"base_url": "https://code.example.com:22"}, "Port 22 is not allowed"),
        ({"base_url": "file:///etc/passwd"}, "must begin with https://"),
        ({"base_url": "https://me:secret@code.example.com"}, "Leave user name and password out"),
        ({"base_url": "https://code.example.com/api/v4"}, "Leave the API"),
        ({"base_url": "https://code.example.com/?a=b"}, "Leave away what follows the path"),
        ({"base_url": "https://code.example.com/a\r\nHost: evil"}, "characters that none has"),
        ({"base_url": ""}, "This field is required"),
        ({"token": "glpat zebra"}, "characters that no token has"),
        ({"token": "glpat\r\nX-Evil: yes"}, "characters that no token has"),
        ({"token": ""}, "This field is required"),
        ({"proxy_url": "http://127.0.0.1:8080"}, "private or reserved address"),
        ({"proxy_url": "https://proxy.example.com/path"}, "without a path"),
        ({"ca_bundle": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"}, "These are no certificates"),
        ({"ca_bundle": "x" * 100_001}, "at most 100000 characters"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anybody_is_asked(
    browser: Client, there: MemoryHost, fields: dict[str, str], words: str
) -> None:
    response = send(browser, **fields)

    assert response.status_code == 422
    assert words in page_of(response).replace("&#x27;", "'")
    assert there.log == []
    assert not CodeHost.objects.exists()


def test_a_bundle_of_ten_megabytes_is_refused(browser: Client, there: MemoryHost) -> None:
    response = send(browser, ca_bundle="x" * 10_000_000)

    assert response.status_code == 422
    assert len(response.content) < 100_000


def test_certificates_are_kept_without_anything_else_and_shown_with_their_end(
    browser: Client, there: MemoryHost
) -> None:
    valid, over = an_authority("Acme Root CA"), an_authority("Old CA", days=-1)

    refused = send(browser, ca_bundle=over)
    with_key = send(browser, ca_bundle=valid + a_private_key())
    send(browser, ca_bundle=f"# our own\n{over}\n{valid}")

    host = CodeHost.objects.get()
    assert "Every certificate has expired, “Old CA” on" in page_of(refused)
    assert "There is a private key in it" in page_of(with_key)
    assert host.ca_bundle == over + valid
    page = page_of(browser.get(f"{ADDRESS}{host.pk}/"))
    assert "Acme Root CA, valid until" in page
    assert "Old CA, <strong>expired</strong>" in page


def test_the_password_of_a_proxy_is_a_secret(browser: Client, there: MemoryHost) -> None:
    send(browser, proxy_url="https://corp:zebra-7716@proxy.example.com:8080")

    host = CodeHost.objects.get()
    assert host.proxy_url == "https://proxy.example.com:8080"
    assert access_of(host).proxy_url == "https://corp:zebra-7716@proxy.example.com:8080"
    assert "zebra-7716" not in page_of(browser.get(f"{ADDRESS}{host.pk}/change/"))


# --- GitHub Apps ------------------------------------------------------------------------------------------------------


def test_an_existing_app_is_entered_and_its_webhook_secret_shown_once(browser: Client, there: MemoryHost) -> None:
    there.installed = [InstallationFacts("77", "acme")]

    response = send(browser, "github-existing-app", app_id="12", private_key=a_private_key().replace("\n", "\r\n"))

    host = CodeHost.objects.get()
    secret = open_secrets(host.sealed_secrets)["webhook_secret"]
    assert secret in page_of(response)
    assert response["Cache-Control"] == "no-store"
    assert secret not in page_of(browser.get(f"{ADDRESS}{host.pk}/"))
    assert access_of(host).private_key == a_private_key()
    assert Installation.objects.get().account == "acme"


@pytest.mark.parametrize("key", ["-----BEGIN RSA PRIVATE KEY-----\nzebra\n-----END RSA PRIVATE KEY-----", "zebra"])
def test_a_private_key_that_is_none_is_refused_and_not_repeated(browser: Client, there: MemoryHost, key: str) -> None:
    response = send(browser, "github-existing-app", app_id="12", private_key=key)

    assert "This is no private key without a passphrase" in page_of(response)
    assert "zebra" not in page_of(response)


def test_an_installation_that_github_no_longer_names_was_removed(browser: Client, there: MemoryHost) -> None:
    host = connected_app(there)
    there.installed = [InstallationFacts("78", "umbrella", is_suspended=True)]

    browser.post(f"{ADDRESS}{host.pk}/check/")

    rows = {row.account: (row.removed_at is not None, row.is_suspended) for row in Installation.objects.all()}
    assert rows == {"acme": (True, False), "umbrella": (False, True)}


# --- Changing ---------------------------------------------------------------------------------------------------------


def change(browser: Client, host: CodeHost, **fields: str) -> Any:
    sent = {"base_url": host.base_url, "proxy_url": host.proxy_url, "ca_bundle": host.ca_bundle, **fields}
    return browser.post(f"{ADDRESS}{host.pk}/change/", sent)


def test_a_token_is_kept_where_none_is_typed_and_never_shown(browser: Client, there: MemoryHost) -> None:
    host = connected()
    before = open_secrets(host.sealed_secrets)

    form = page_of(browser.get(f"{ADDRESS}{host.pk}/change/"))
    response = change(browser, host)

    host.refresh_from_db()
    assert response.status_code == 302
    assert open_secrets(host.sealed_secrets) == before
    assert TOKEN not in form


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"base_url": "https://evil.example.com"}, "The address has changed, so the stored token is not sent there"),
        ({"proxy_url": "https://evil.example.com:8080"}, "The proxy or the trusted certificates have changed"),
        ({"ca_bundle": an_authority("Evil CA")}, "The proxy or the trusted certificates have changed"),
    ],
)
def test_a_stored_token_goes_nowhere_else(
    browser: Client, there: MemoryHost, fields: dict[str, str], words: str
) -> None:
    host = connected()
    there.log.clear()

    response = change(browser, host, **fields)

    assert response.status_code == 422
    assert words in page_of(response)
    assert there.log == []


def test_a_host_that_moved_gets_a_new_webhook_secret(browser: Client, there: MemoryHost) -> None:
    host = connected()
    before = open_secrets(host.sealed_secrets)

    change(browser, host, base_url="https://moved.example.com", token="glpat-other")

    host.refresh_from_db()
    after = open_secrets(host.sealed_secrets)
    assert (host.base_url, after["token"]) == ("https://moved.example.com", "glpat-other")
    assert after["webhook_secret"] != before["webhook_secret"]


def test_of_two_who_change_a_host_the_second_is_told(browser: Client, there: MemoryHost) -> None:
    host = connected()
    draft = HostDraft(HostKind.GITLAB, SERVER, token="glpat-second")
    scm.services.change_host(host=host, draft=replace(draft, token="glpat-first"), actor=SYSTEM)

    with pytest.raises(HostRefused, match="Somebody else has changed"):
        scm.services.change_host(host=host, draft=draft, actor=SYSTEM)

    assert open_secrets(CodeHost.objects.get().sealed_secrets)["token"] == "glpat-first"


def test_a_new_webhook_secret_is_shown_once(browser: Client, there: MemoryHost) -> None:
    host = connected()
    old = open_secrets(host.sealed_secrets)["webhook_secret"]

    response = browser.post(f"{ADDRESS}{host.pk}/secret/")

    host.refresh_from_db()
    new = open_secrets(host.sealed_secrets)["webhook_secret"]
    assert new != old
    assert new in page_of(response)
    assert "no-store" in response["Cache-Control"]
    assert new not in page_of(browser.get(f"{ADDRESS}{host.pk}/"))
    assert open_secrets(host.sealed_secrets)["token"] == TOKEN


def test_a_test_of_the_connection_keeps_what_it_says(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.fail("whoami", WrongCredentials("The token was revoked (401)."), on_call=2)

    browser.post(f"{ADDRESS}{host.pk}/check/")
    problem = CodeHost.objects.get().problem
    shown = page_of(browser.get(ADDRESS))
    browser.post(f"{ADDRESS}{host.pk}/check/")

    assert problem == "The token was revoked (401)."
    assert problem in shown
    assert CodeHost.objects.get().problem == ""


def test_a_trouble_that_passes_is_told_and_not_kept(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.fail("whoami", ScmError("It did not answer in time.", permanent=False), on_call=2)

    response = browser.post(f"{ADDRESS}{host.pk}/check/", follow=True)

    assert "It did not answer in time." in page_of(response)
    assert CodeHost.objects.get().problem == ""


def test_a_host_is_removed_with_its_webhooks_and_projects_stay(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.add_repository("acme/shop")
    scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM)

    asked = page_of(browser.get(f"{ADDRESS}{host.pk}/remove/"))
    browser.post(f"{ADDRESS}{host.pk}/remove/")

    assert "1 repository is disconnected" in asked
    assert not CodeHost.objects.exists()
    assert there.found("acme/shop").webhooks == {}
    assert Project.objects.filter(name="acme/shop").exists()
    assert Event.objects.get(kind="code_host_removed").subject["repositories"] == 1


# --- Repositories -----------------------------------------------------------------------------------------------------


def test_nothing_is_read_of_a_repository_that_was_not_chosen(browser: Client, there: MemoryHost) -> None:
    host = connected()
    for name in ("acme/shop", "acme/site", "acme/secret"):
        there.add_repository(name)

    page = page_of(browser.get(f"{ADDRESS}{host.pk}/repositories/?q=acme+SHO"))

    assert "acme/shop" in page
    assert "acme/site" not in page
    assert [call.method for call in there.log] == ["whoami", "check", "repositories"]


def test_a_list_of_thousands_is_asked_for_once_and_shown_in_pages(browser: Client, there: MemoryHost) -> None:
    host = connected()
    for number in range(3000):
        there.add_repository(f"acme/service-{number:04}")

    first = page_of(browser.get(f"{ADDRESS}{host.pk}/repositories/"))
    last = page_of(browser.get(f"{ADDRESS}{host.pk}/repositories/?page=60"))

    assert "3000 repositories" in first
    assert "acme/service-0049" in first
    assert "acme/service-0050" not in first
    assert "acme/service-2999" in last
    assert len(there.calls("repositories")) == 1


def test_a_chosen_repository_is_connected_to_the_project_of_its_name(browser: Client, there: MemoryHost) -> None:
    host = connected()
    shop = there.add_repository("acme/shop")
    project = factories.a_project("acme/shop")

    response = browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": shop.facts.external_id})

    repository = Repository.objects.get()
    assert response.status_code == 302
    assert (repository.project, repository.full_name) == (project, "acme/shop")
    assert list(shop.webhooks.values()) == [
        (scm.selectors.hook_url(host), open_secrets(host.sealed_secrets)["webhook_secret"])
    ]
    assert repository.hook_id in shop.webhooks


def test_a_project_is_found_by_the_address_that_ci_said_or_made(browser: Client, there: MemoryHost) -> None:
    host = connected()
    shop = there.add_repository("acme/shop")
    there.add_repository("acme/new")
    by_url = factories.a_project("shop")
    Project.objects.filter(pk=by_url.pk).update(url=f"{shop.facts.web_url}.git")

    old = scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM)
    new = scm.services.connect_repository(host=host, name="acme/new", actor=SYSTEM)

    assert (old.repository.project, old.is_new_project) == (by_url, False)
    assert (new.repository.project.name, new.is_new_project) == ("acme/new", True)


def test_where_webhooks_may_not_be_made_it_is_connected_all_the_same_and_told_how(
    browser: Client, there: MemoryHost
) -> None:
    host = connected()
    there.add_repository("acme/shop").is_readable_only = True

    response = browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": "acme/shop"})

    page = page_of(response)
    assert Repository.objects.get().hook_id == ""
    assert "The token may only read here." in page
    assert scm.selectors.hook_url(host) in page
    assert open_secrets(host.sealed_secrets)["webhook_secret"] in page
    assert "no-store" in response["Cache-Control"]


def test_an_app_sees_what_its_installations_see(browser: Client, there: MemoryHost) -> None:
    host = connected_app(there)
    there.add_repository("acme/shop")

    browser.get(f"{ADDRESS}{host.pk}/repositories/")
    browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": "acme/shop"})

    repository = Repository.objects.select_related("installation").get()
    assert repository.installation is not None
    assert repository.installation.external_id == "77"
    assert there.calls("ensure_webhook") == []


def test_a_project_with_a_folder_is_not_taken_over_unasked(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.add_repository("acme/shop")
    project = factories.a_project("acme/shop")
    Repository.objects.create(project=project, folder="/srv/code/shop")

    refused = browser.post(f"{ADDRESS}{host.pk}/repositories/connect/", {"repository": "acme/shop"}, follow=True)
    form = browser.get(f"{ADDRESS}projects/{project.pk}/")
    browser.post(f"{ADDRESS}projects/{project.pk}/", {"host": host.pk, "repository": "acme/shop"})

    assert "its code is read from /srv/code/shop. Move it there" in page_of(refused)
    assert "Its code is read from a folder of this server now" in page_of(form)
    assert (Repository.objects.get().full_name, Repository.objects.get().folder) == ("acme/shop", "")


def test_pull_requests_of_another_repository_are_forgotten_when_a_project_moves(
    browser: Client, there: MemoryHost
) -> None:
    host = connected()
    there.add_repository("acme/shop")
    there.add_repository("acme/store")
    connected_to = scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM).repository
    project = connected_to.project
    for number, web_url in (
        ("1", "https://host.example/acme/shop/pull/1"),
        ("2", "https://host.example/acme/store/pull/2"),
    ):
        PullRequest.objects.create(project=project, number=number, web_url=web_url)

    browser.post(f"{ADDRESS}projects/{project.pk}/", {"host": host.pk, "repository": "acme/store"})

    assert Repository.objects.get().full_name == "acme/store"
    assert [pull_request.number for pull_request in PullRequest.objects.all()] == ["2"]
    assert there.found("acme/shop").webhooks == {}


def test_pull_requests_are_known_by_the_repositorys_number_and_not_by_its_name(
    in_acme: object, there: MemoryHost
) -> None:
    host = connected()
    shop = there.add_repository("acme/shop")
    repository = scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM).repository
    known = scm.services.keep_pull_request(project=repository.project, facts=there.add_pull_request())

    there.rename("acme/shop", "acme/store")
    scm.services.disconnect_repository(repository=repository, actor=SYSTEM)
    again = scm.services.connect_repository(
        host=host, name="acme/store", project=repository.project, actor=SYSTEM
    ).repository
    after_renaming = list(PullRequest.objects.values_list("pk", flat=True))
    there.rename("acme/store", "acme/gone")
    other = there.add_repository("acme/store").facts.external_id  # made by somebody else
    scm.services.disconnect_repository(repository=again, actor=SYSTEM)
    scm.services.connect_repository(host=host, name=other, project=repository.project, actor=SYSTEM)

    assert shop.facts.external_id == again.external_id
    assert after_renaming == [known.pk]
    assert not PullRequest.objects.exists()


def test_one_repository_belongs_to_one_project(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.add_repository("acme/shop")
    scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM)
    other = factories.a_project("other")

    with pytest.raises(scm.services.RepositoryRefused, match="connected to the project acme/shop already"):
        scm.services.connect_repository(host=host, name="acme/shop", project=other, actor=SYSTEM)

    again = scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM)
    assert Repository.objects.get() == again.repository


def test_a_disconnected_repository_loses_its_webhook_and_its_project_stays(browser: Client, there: MemoryHost) -> None:
    host = connected()
    shop = there.add_repository("acme/shop")
    repository = scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM).repository

    browser.post(f"{ADDRESS}repositories/{repository.pk}/disconnect/")

    assert shop.webhooks == {}
    assert not Repository.objects.exists()
    assert Project.objects.filter(name="acme/shop").exists()
    assert Event.objects.get(kind="repository_disconnected").subject["repository"] == "acme/shop"


def test_where_the_host_does_not_answer_what_was_chosen_is_listed(browser: Client, there: MemoryHost) -> None:
    host = connected()
    there.add_repository("acme/shop")
    scm.services.connect_repository(host=host, name="acme/shop", actor=SYSTEM)
    there.fail("repositories", ScmError("It is away for maintenance.", permanent=False))

    page = page_of(browser.get(f"{ADDRESS}{host.pk}/repositories/"))

    assert "It is away for maintenance." in page
    assert "acme/shop" in page


# --- Who may, and what stays secret -----------------------------------------------------------------------------------


def test_only_admins_connect_code_hosts(in_acme: Organization, bob: User, client_for: ClientFor) -> None:
    response = client_for(bob).get(ADDRESS)

    assert response.status_code == 403
    assert "Admin" in page_of(response)


def test_a_host_of_another_organization_is_not_there(
    browser: Client, there: MemoryHost, acme: Organization, charlie: User
) -> None:
    elsewhere = orgs.selectors.memberships_of(charlie.pk)[0].organization
    with acting_for(elsewhere.pk):
        host = connected()
        there.add_repository("umbrella/shop")
        repository = scm.services.connect_repository(host=host, name="umbrella/shop", actor=SYSTEM).repository

    codes = [
        browser.get(f"{ADDRESS}{host.pk}/{page}").status_code for page in ("", "change/", "repositories/", "remove/")
    ]
    codes += [browser.post(f"{ADDRESS}{host.pk}/{page}/").status_code for page in ("check", "secret", "remove")]
    codes += [browser.post(f"{ADDRESS}repositories/{repository.pk}/disconnect/").status_code]

    assert set(codes) == {404}


def test_a_token_is_nowhere_but_sealed(browser: Client, there: MemoryHost, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(browser)
    host = CodeHost.objects.get()
    there.fail("whoami", WrongCredentials(f"Bad token {TOKEN}"), on_call=2)

    pages = [page_of(browser.post(f"{ADDRESS}{host.pk}/check/", follow=True))]
    pages += [page_of(browser.get(f"{ADDRESS}{page}")) for page in ("", f"{host.pk}/", f"{host.pk}/change/")]

    assert "Bad token •••" in pages[0]
    assert not [page for page in pages if "zebra-7716" in page]
    assert "zebra-7716" not in caplog.text
    assert not Event.objects.filter(subject__icontains="zebra").exists()
