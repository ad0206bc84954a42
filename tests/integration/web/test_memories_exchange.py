"""Taking memories along as YAML and bringing them: the preview says what it does, and files that cost much are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from memories.models import Memory, MemoryState
from memories.scopes import Scope
from tests import factories
from tests.integration.web.test_memories import a_memory

ClientFor = Callable[[User], Client]

PAGES = "/orgs/acme/memories/"
FILE = "version: 1\nmemories:\n- {text: Below tools nobody deploys., project: shop, path_prefix: tools, purpose: triage}\n"

pytestmark = pytest.mark.usefixtures("in_acme")


def preview(client: Client, text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    answer = client.post(f"{PAGES}import/", {"file": SimpleUploadedFile("memories.yaml", content)})
    return answer.content.decode()


def test_what_was_exported_is_known_already_when_it_comes_back(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    rule = factories.a_rule("python.sql", cwe=["CWE-89"])
    a_memory("It: 'says' \"much\"\n- # of ünïcode", scope=Scope(project=factories.a_project("shop"), rule=rule))
    a_memory("Another.", live=False)

    file = client.get(f"{PAGES}export/")
    page = preview(client, file.content)

    assert file["Content-Disposition"] == 'attachment; filename="memories-of-acme.yaml"'
    assert "0 new, 0 changed, 2 known already, 0 refused" in page


def test_a_file_is_previewed_and_then_brought(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    factories.a_project("shop")

    page = preview(client, FILE)
    before = Memory.objects.count()
    client.post(f"{PAGES}import/bring/", {"text": FILE})

    memory = Memory.objects.get()
    assert "1 new" in page
    assert (before, memory.state, memory.path_prefix, memory.source) == (0, MemoryState.LIVE, "tools", "import")


def test_what_a_member_brings_is_suggested(bob: User, client_for: ClientFor) -> None:
    factories.a_project("shop")

    client_for(bob).post(f"{PAGES}import/bring/", {"text": FILE})

    assert Memory.objects.get().state == MemoryState.SUGGESTED


def test_an_entry_of_the_own_file_changes_its_memory_for_an_admin_only(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    memory = a_memory("As it was.")
    text = f"version: 1\norganization: acme\nmemories:\n- {{id: {memory.pk}, text: As it is., purpose: triage}}\n"

    refused = preview(client_for(bob), text)
    client_for(alice).post(f"{PAGES}import/bring/", {"text": text})

    assert "only an Admin changes" in refused
    memory.refresh_from_db()
    assert (memory.text, memory.version) == ("As it is.", 2)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{text: A., project: nowhere}", "no project"),
        ("{text: A., rule: nothing}", "no rule"),
        ("{text: A., colour: red}", "no field"),
        ("{text: A., purpose: all}", "is one of"),
        ("{text: A., expires: 2001-01-01}", "expired on 2001-01-01"),
        ("{text: A., path_prefix: ../a}", "as the repository has it"),
        ("{purpose: both}", "needs a text"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_with_the_reason(
    entry: str, words: str, alice: User, client_for: ClientFor
) -> None:
    page = preview(client_for(alice), f"version: 1\nmemories:\n- {entry}\n")

    assert "1 refused" in page
    assert words in page


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version: 1\nmemories:\n- &a {text: A.}\n- *a\n", "Anchors and aliases"),
        (b"version: 1\nmemories: " + b"[" * 100_000, "no mapping of fields"),
        (b"version: 1\nmemories:\n- text: {a: b}\n", "no plain value"),
        (b"x" * (10 * 1024 * 1024), "512 KiB"),
        (b"version: 1\nmemories:\n" + b"- {text: A.}\n" * 1_001, "1,000 memories"),
        (b"version: 2\nmemories: []\n", "version: 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: [", "YAML"),
        (b"", "version: 1"),
    ],
)
def test_a_file_that_is_none_of_memories_or_costs_much_is_refused(
    content: bytes, words: str, alice: User, client_for: ClientFor
) -> None:
    page = preview(client_for(alice), content)

    assert words in page
    assert not Memory.objects.exists()
