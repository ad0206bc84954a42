"""The rules' pages: the list and its filters, changing many with a preview, one rule, what a role may."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import orgs.teams
from events.models import Event
from findings.models import IgnoreReason, Presence, Triage
from orgs.models import Membership
from orgs.services import actor_of
from rules.models import Mode, PolicySettings, Rule, RuleOverride
from tenancy.models import Organization
from tests import factories
from triage.models import Feedback

ClientFor = Callable[[User], Client]
RULES = "/orgs/acme/rules/"


@pytest.fixture(autouse=True)
def _no_counts_of_before() -> None:
    cache.clear()


@pytest.fixture
def admin(alice: User, in_acme: Organization, client_for: ClientFor) -> Client:
    return client_for(alice)


def names_shown(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{RULES}?{query}").content.decode()
    return re.findall(r'rules/\d+/">([^<]+)</a>', page)


def row_of(client: Client, name: str) -> str:
    page = client.get(RULES).content.decode()
    row = next(row for row in page.split("<tr>") if f">{name}</a>" in row)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))


def change(client: Client, rules: list[Rule], mode: str, **more: Any) -> Any:
    """Preview a change of modes and confirm what the preview offers."""
    preview = client.post(f"{RULES}modes/", {"rule": [rule.pk for rule in rules], "to": mode, **more})
    return confirm(client, preview)


def confirm(client: Client, preview: Any) -> Any:
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', preview.content.decode()))
    return client.post(f"{RULES}modes/change/", fields)


def modes() -> dict[str, str]:
    return dict(Rule.objects.values_list("identifier", "mode"))


# --- The list ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "of_it", "of_the_other"),
    [
        ("mode=block", {"mode": "block"}, {"mode": "comment"}),
        ("severity=critical", {"severity": 4}, {"severity": 3}),
        ("source=imported", {"origin": "imported"}, {"origin": "reported"}),
        ("label=pci", {"labels": ["pci"]}, {"labels": ["other"]}),
        ("language=go", {"languages": ["go"]}, {"languages": ["python"]}),
        ("delivery=delivered", {"yaml": "x", "delivered": "{}"}, {"yaml": "x", "objection": "no"}),
        ("delivery=refused", {"yaml": "x", "objection": "no"}, {"yaml": "x", "delivered": "{}", "objection": "no"}),
        ("delivery=earlier", {"yaml": "x", "delivered": "{}", "objection": "no"}, {"yaml": "x", "objection": "no"}),
        ("delivery=no_text", {}, {"yaml": "x"}),
        ("delivery=disabled", {"mode": "disabled", "yaml": "x", "delivered": "{}"}, {"yaml": "x", "delivered": "{}"}),
    ],
)
def test_a_filter_shows_what_it_names(
    query: str, of_it: dict[str, Any], of_the_other: dict[str, Any], admin: Client
) -> None:
    factories.a_rule("a.wanted", **of_it)
    factories.a_rule("a.other", **of_the_other)

    assert names_shown(admin, query) == ["wanted"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("python.sql", ["injection"]), ("INJ", ["injection"]), ("sql", []), ("jection", []), ("py%", []), ("a(b", [])],
)
def test_the_search_is_for_how_identifier_or_name_begin(text: str, shown: list[str], admin: Client) -> None:
    factories.a_rule("python.sql.injection")

    assert names_shown(admin, f"q={text}") == shown


def test_rules_with_enough_open_findings_or_another_mode_somewhere_are_found(admin: Client) -> None:
    busy, own = factories.a_rule("a.busy"), factories.a_rule("a.own")
    scan = factories.a_scan()
    factories.a_finding(rule=busy, scan=scan)
    factories.a_finding(rule=busy, scan=scan)
    factories.a_finding(rule=own, scan=scan)
    RuleOverride.objects.create(rule=own, project=scan.project, mode=Mode.BLOCK)

    assert names_shown(admin, "min_open=2") == ["busy"]
    assert names_shown(admin, "overridden=yes") == ["own"]


def test_pages_show_each_rule_once_in_order(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.listing.PAGE_SIZE", 2)
    for letter in "edcba":
        factories.a_rule(f"rule.{letter}")

    first = names_shown(admin)
    second = names_shown(admin, "after=rule.b")
    back = names_shown(admin, "before=rule.c")

    assert (first, second, back) == (["a", "b"], ["c", "d"], ["a", "b"])


def test_a_row_says_how_many_are_open_fixed_and_agreed_with(admin: Client, alice: User) -> None:
    rule, scan = factories.a_rule("a.rule"), factories.a_scan()
    open_one = factories.a_finding(rule=rule, scan=scan)
    for fields in (
        {"is_present": False},
        {"is_present": False, "is_removed": True},
        {"triage": Triage.IGNORED, "triage_source": "person", "ignore_reason": IgnoreReason.NO_TIME},
        {"triage": Triage.TO_FIX, "triage_source": "person"},
    ):
        factories.a_finding(rule=rule, scan=scan, **fields)
    for agrees in (True, True, False):
        verdict = factories.a_verdict(open_one)
        Feedback.objects.create(finding=open_one, verdict=verdict, user=alice, agrees=agrees)

    row = row_of(admin, "rule")

    assert " 2 33% 1 of 3 67% n = 3 " in row


# --- Changing many ----------------------------------------------------------------------------------------------------


def test_a_preview_says_what_follows_and_changes_nothing(admin: Client) -> None:
    rule, quiet = factories.a_rule("a.loud"), factories.a_rule("a.quiet", mode=Mode.COMMENT)
    recent = factories.a_finding(rule=rule, scan=factories.a_scan(pull_request_id="7", branch=""))
    old = factories.a_finding(rule=rule, scan=factories.a_scan(pull_request_id="8", branch=""))
    Presence.objects.filter(finding__in=[recent, old]).update(is_pull_request=True)
    Presence.objects.filter(finding=old).update(changed_at=timezone.now() - timedelta(days=40))
    own = factories.a_project("billing")
    factories.a_finding(rule=rule, project=own)
    RuleOverride.objects.create(rule=rule, project=own, mode=Mode.DISABLED)

    page = admin.post(f"{RULES}modes/", {"rule": [rule.pk, quiet.pk], "to": "block"}).content.decode()
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))

    assert "2 rules change: 1 from Monitor, 1 from Comment." in words
    assert "2 open findings are of these rules." in words
    assert "In the last 30 days 1 finding came up on 1 pull request." in words
    assert "the CI job of each of these pull requests would have failed" in words
    assert "billing: loud is Disabled" in words
    assert modes() == {"a.loud": "monitor", "a.quiet": "comment"}


def test_modes_are_changed_together_and_undone_together(admin: Client) -> None:
    changed = [factories.a_rule(f"a.rule-{mode}", mode=mode) for mode in ("monitor", "comment", "block")]
    untouched = factories.a_rule("a.untouched")

    response = change(admin, changed, "block")

    assert modes() == {**{rule.identifier: "block" for rule in changed}, untouched.identifier: "monitor"}
    event = Event.objects.get(kind="rule_modes_changed")
    assert event.subject["count"] == 2
    assert (event.subject["before"], event.subject["after"]) == ("1 monitor, 1 comment", "block")
    assert f"changed={event.pk}" in response["Location"]
    assert b"Undo" in admin.get(response["Location"]).content

    admin.post(f"{RULES}modes/{event.pk}/undo/")

    assert modes() == {
        "a.rule-monitor": "monitor",
        "a.rule-comment": "comment",
        "a.rule-block": "block",
        "a.untouched": "monitor",
    }


def test_undoing_leaves_alone_what_was_changed_again_since(admin: Client) -> None:
    first, second = factories.a_rule("a.first"), factories.a_rule("a.second")
    change(admin, [first, second], "block")
    event = Event.objects.get(kind="rule_modes_changed")
    change(admin, [Rule.objects.get(pk=second.pk)], "comment")
    change(admin, [Rule.objects.get(pk=second.pk)], "block")

    page = admin.post(f"{RULES}modes/{event.pk}/undo/", follow=True).content.decode()

    assert modes() == {"a.first": "monitor", "a.second": "block"}
    assert "1 rule had been changed again since" in page


def test_all_that_match_are_changed_and_no_other(admin: Client) -> None:
    for number in range(60):
        factories.a_rule(f"a.rule-{number}", labels=["pci"])
    factories.a_rule("a.other")

    preview = admin.post(f"{RULES}modes/", {"scope": "all", "label": "pci", "to": "comment"})
    factories.a_rule("a.later", labels=["pci"])
    confirm(admin, preview)

    assert sum(mode == "comment" for mode in modes().values()) == 60
    assert (modes()["a.other"], modes()["a.later"]) == ("monitor", "monitor")


def test_what_another_admin_changed_after_the_preview_is_shown_again_instead(admin: Client) -> None:
    rules = [factories.a_rule("a.first"), factories.a_rule("a.second")]
    preview = admin.post(f"{RULES}modes/", {"rule": [rule.pk for rule in rules], "to": "block"})
    change(admin, rules[:1], "disabled")

    answer = confirm(admin, preview)

    assert answer.status_code == 409
    assert b"Somebody changed these rules" in answer.content
    assert modes() == {"a.first": "disabled", "a.second": "monitor"}
    assert confirm(admin, answer).status_code == 302
    assert set(modes().values()) == {"block"}


def test_labels_are_added_to_many_and_taken_away(admin: Client) -> None:
    rules = [factories.a_rule("a.first", labels=["old"]), factories.a_rule("a.second")]

    admin.post(
        f"{RULES}labels/",
        {"rule": [rule.pk for rule in rules], "add_labels": "pci,  owned by  web", "remove_labels": "old"},
    )

    assert list(Rule.objects.values_list("labels", flat=True)) == [["owned by web", "pci"]] * 2
    assert Event.objects.get(kind="rule_labels_changed").subject["count"] == 2


@pytest.mark.parametrize("label", ["x" * 41, "a\x07b", ",".join(f"label-{n}" for n in range(21))])
def test_too_long_or_too_many_labels_are_refused_for_all(label: str, admin: Client) -> None:
    rule = factories.a_rule("a.first")

    page = admin.post(f"{RULES}labels/", {"rule": rule.pk, "add_labels": label}, follow=True).content.decode()

    assert "A label has 1 to 40 characters" in page or "at most 20" in page
    assert Rule.objects.get().labels == []


# --- One rule ---------------------------------------------------------------------------------------------------------


def test_a_project_has_a_mode_of_its_own_until_it_is_removed(admin: Client) -> None:
    rule, project = factories.a_rule("a.rule"), factories.a_project("billing")

    admin.post(f"{RULES}{rule.pk}/override/", {"project": project.pk, "to": "block"})
    of_rule = admin.get(f"{RULES}{rule.pk}/").content.decode()
    of_project = admin.get(f"/orgs/acme/projects/{project.pk}/").content.decode()
    admin.post(f"{RULES}{rule.pk}/override/", {"project": project.pk, "to": ""})

    assert '>billing</a> <span class="pill mode-block">Block</span>' in of_rule
    assert "a.rule" in of_project
    assert not RuleOverride.objects.exists()
    history = re.sub(r"<[^>]+>", "", admin.get(f"{RULES}{rule.pk}/").content.decode())
    assert "billing: Block" in history
    assert "billing: Block → the organization" in history


def test_a_rule_shows_its_text_what_the_engine_objects_to_and_its_history(admin: Client) -> None:
    text = "rules:\n- id: a.rule\n  languages: [python]\n  message: <b>hi</b>\n  severity: ERROR\n  pattern: foo(((\n"
    rule = factories.a_rule(
        "a.rule",
        yaml=text,
        objection="Invalid pattern for Python: Stdlib.Parsing.Parse_error\n----- pattern -----\nfoo(((\n",
        cwe=["CWE-89"],
    )
    change(admin, [rule], "comment")

    page = admin.get(f"{RULES}{rule.pk}/").content.decode()

    assert 'href="#line-6"' in page
    assert "<b>hi</b>" not in page
    assert "SQL" in page
    assert "Monitor → Comment" in page
    assert "alice@acme.example" in page


# --- How rules are treated in general -------------------------------------------------------------------------------


def test_the_default_mode_and_ignored_paths_are_saved_once(admin: Client) -> None:
    sent = {"default_mode": "comment", "ignored_paths": " tests/ \n\n*.min.js\ntests/"}

    admin.post(f"{RULES}policy/", sent)
    admin.post(f"{RULES}policy/", sent)

    settings = PolicySettings.objects.get()
    assert (settings.default_mode, settings.ignored_paths) == ("comment", "tests/\n*.min.js")
    assert Event.objects.filter(kind="policy_changed").count() == 1


def test_a_project_leaves_out_paths_of_its_own(admin: Client) -> None:
    project = factories.a_project("billing")

    admin.post(f"/orgs/acme/projects/{project.pk}/ignored-paths/", {"ignored_paths": "generated/"})

    project.refresh_from_db()
    assert project.ignored_paths == "generated/"
    assert "generated/" in admin.get(f"/orgs/acme/projects/{project.pk}/").content.decode()


# --- Who may ----------------------------------------------------------------------------------------------------------


def test_a_member_sees_rules_and_changes_nothing(bob: User, in_acme: Organization, client_for: ClientFor) -> None:
    rule, client = factories.a_rule("a.rule"), client_for(bob)

    page = client.get(RULES).content.decode()
    refused = change(client, [rule], "block")

    assert "a.rule" in page
    assert "Preview the change" not in page
    assert refused.status_code == 403
    assert b"Admin" in refused.content
    assert modes() == {"a.rule": "monitor"}


def test_somebody_limited_to_a_team_sees_the_numbers_and_modes_of_its_projects_only(
    alice: User, bob: User, in_acme: Organization, client_for: ClientFor
) -> None:
    rule, own, other = factories.a_rule("a.rule"), factories.a_project("own"), factories.a_project("vault")
    for project in (own, other, other):
        factories.a_finding(rule=rule, project=project)
        RuleOverride.objects.update_or_create(rule=rule, project=project, defaults={"mode": Mode.BLOCK})
    actor, member = actor_of(alice), Membership.objects.get(user=bob)
    team = orgs.teams.create_team(name="Shopkeepers", actor=actor)
    orgs.teams.set_members(team=team, members=[member], actor=actor)
    orgs.teams.set_projects(team=team, projects=[own], actor=actor)
    orgs.teams.set_limit(member=member, is_limited=True, actor=actor)
    client = client_for(bob)

    assert " 1 0% 0 of 1 " in row_of(client, "rule")
    assert "1 project differs" in row_of(client, "rule")
    assert "vault" not in client.get(f"{RULES}{rule.pk}/").content.decode()
    assert names_shown(client, "min_open=2") == []
    assert " 3 0% 0 of 3 " in row_of(client_for(alice), "rule")


def test_a_longer_list_asks_the_database_no_more_often(admin: Client) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            admin.get(RULES)
        return len(queries)

    scan = factories.a_scan()
    factories.a_finding(rule=factories.a_rule("a.first"), scan=scan)
    admin.get(RULES)
    few = asked()
    for number in range(30):
        factories.a_finding(rule=factories.a_rule(f"a.rule-{number}", labels=["pci"]), scan=scan)

    assert asked() == few
