"""Rules that people bring: what is kept, what the real engine says of each, and what is refused unread."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

import rules.selectors
import rules.services
from events.kinds import SYSTEM
from events.models import Event, Job
from rules import brought, starter
from rules.models import ImportedRule, Mode, Origin, Outcome, PolicySettings, Rule, RuleImport, Severity
from tenancy.models import Organization
from tests import factories

ClientFor = Callable[[User], Client]
PAGE = "/orgs/acme/rules/import/"


def a_text(*names: str, pattern: str = "eval(...)", more: str = "") -> str:
    return "rules:\n" + "".join(
        f"- id: {name}\n  languages: [python]\n  severity: ERROR\n  message: Do not.\n  pattern: {pattern}\n{more}"
        for name in names
    )


def bring(*files: tuple[str, str]) -> RuleImport:
    return rules.services.import_rules(source="rules", files=files, actor=SYSTEM)


def outcomes(made: RuleImport) -> dict[str, str]:
    return dict(ImportedRule.objects.filter(rule_import=made).values_list("identifier", "outcome"))


def a_zip(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return packed.getvalue()


# --- What is kept -----------------------------------------------------------------------------------------------------


def test_a_rule_is_kept_with_its_text_and_what_the_text_says(in_acme: Organization) -> None:
    PolicySettings.objects.create(default_mode=Mode.COMMENT)
    more = (
        "  metadata:\n    cwe: ['CWE-95: Eval Injection']\n    owasp: [A03:2021 - Injection]\n    confidence: MEDIUM\n"
        "    category: security\n    technology: [django]\n    references: [https://example.org/a]\n"
    )

    bring(("one.yaml", a_text("acme.no-eval", more=more)))

    rule = Rule.objects.get()
    assert (rule.identifier, rule.mode, rule.origin) == ("acme.no-eval", Mode.COMMENT, Origin.IMPORTED)
    assert (rule.severity, rule.confidence, rule.category) == (Severity.HIGH, "medium", "security")
    assert (rule.cwe, rule.owasp, rule.languages) == (["CWE-95"], ["A03:2021"], ["python"])
    assert "pattern: eval(...)" in rule.yaml
    assert (rule.delivered, rule.checked_at) == ("", None)
    assert Job.objects.filter(task="rules.tasks.check_texts").count() == 1


def test_bringing_the_same_again_changes_nothing_and_a_new_text_keeps_mode_and_labels(in_acme: Organization) -> None:
    bring(("one.yaml", a_text("acme.same", "acme.new-text")))
    Rule.objects.update(mode=Mode.BLOCK, labels=["pci"])

    made = bring(("one.yaml", a_text("acme.same") + a_text("acme.new-text", pattern="exec(...)").partition("\n")[2]))

    assert outcomes(made) == {"acme.same": Outcome.UNCHANGED, "acme.new-text": Outcome.UPDATED}
    assert set(Rule.objects.values_list("mode", flat=True)) == {Mode.BLOCK}
    assert "exec" in Rule.objects.get(identifier="acme.new-text").yaml


def test_what_is_no_rule_keeps_no_other_out(in_acme: Organization) -> None:
    factories.a_rule("acme.written-here", origin=Origin.CUSTOM, yaml="rules: []")
    made = bring(
        ("a.yaml", a_text("acme.good", "acme.good", "acme.written-here")),
        ("b.yaml", "on: [push]\njobs: {}\n"),
        ("c.yaml", "rules:\n  - id: [\n"),
    )

    assert sorted(ImportedRule.objects.filter(rule_import=made).values_list("identifier", "outcome")) == [
        ("acme.good", Outcome.ADDED),
        ("acme.good", Outcome.LEFT_OUT),
        ("acme.written-here", Outcome.LEFT_OUT),
    ]
    assert [problem.partition(":")[0].split(",")[0] for problem in made.problems] == ["b.yaml", "c.yaml"]
    assert Rule.objects.get(identifier="acme.written-here").yaml == "rules: []"


def test_a_rule_that_only_reports_named_gets_its_text(in_acme: Organization) -> None:
    rule = factories.a_rule("acme.reported", mode=Mode.BLOCK)

    made = bring(("a.yaml", a_text("acme.reported")))

    rule.refresh_from_db()
    assert outcomes(made) == {"acme.reported": Outcome.ADDED}
    assert (rule.origin, rule.mode) == (Origin.IMPORTED, Mode.BLOCK)


def test_a_report_does_not_overwrite_what_a_text_says_and_new_rules_start_in_the_default_mode(
    in_acme: Organization,
) -> None:
    PolicySettings.objects.create(default_mode=Mode.BLOCK)
    bring(("a.yaml", a_text("acme.known")))
    Rule.objects.update(mode=Mode.MONITOR)

    rules.services.note_rules(
        [Rule(identifier="acme.known", message="Do not, x."), Rule(identifier="acme.new", message="New.")]
    )

    assert dict(Rule.objects.values_list("identifier", "message")) == {"acme.known": "Do not.", "acme.new": "New."}
    assert dict(Rule.objects.values_list("identifier", "mode")) == {"acme.known": "monitor", "acme.new": "block"}


# --- What the engine says ---------------------------------------------------------------------------------------------


def test_one_bad_rule_among_two_hundred_is_refused_alone(in_acme: Organization) -> None:
    names = [f"acme.rule-{number}" for number in range(199)]
    bring(("good.yaml", a_text(*names)), ("bad.yaml", a_text("acme.bad", pattern="foo((")))

    rules.services.check_texts()

    assert Rule.objects.exclude(delivered="").count() == 199
    bad = Rule.objects.get(delivered="")
    assert bad.identifier == "acme.bad"
    assert "foo((" in bad.objection
    assert len(rules.selectors.delivered_to(None)) == 199


def test_a_new_text_that_is_refused_leaves_the_accepted_one_delivered(in_acme: Organization) -> None:
    bring(("a.yaml", a_text("acme.rule")))
    rules.services.check_texts()
    accepted = rules.selectors.delivered_to(None)

    bring(("a.yaml", a_text("acme.rule", pattern="foo((")))
    while_waiting = rules.selectors.delivered_to(None)
    rules.services.check_texts()

    assert accepted == while_waiting == rules.selectors.delivered_to(None) != []
    assert Rule.objects.get().objection != ""


def test_the_starter_rules_are_accepted_by_the_engine(
    alice: User, in_acme: Organization, client_for: ClientFor
) -> None:
    client = client_for(alice)
    offered = client.get("/orgs/acme/rules/").content.decode()

    answer = client.post(f"{PAGE}starter/")
    waiting = client.get(answer["Location"]).content.decode()
    rules.services.check_texts()
    done = client.get(answer["Location"]).content.decode()

    assert f"Add the {starter.count()} starter rules" in offered
    assert "The engine is reading" in waiting
    assert f'<strong>{starter.count()}</strong><span class="subtle">accepted' in done
    assert len(rules.selectors.delivered_to(None)) == starter.count()


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (a_zip({"../out.yaml": a_text("a").encode()}), "no path inside"),
        (a_zip({"/etc/out.yaml": a_text("a").encode()}), "no path inside"),
        (a_zip({"bomb.yaml": b" " * 30_000_000}), "times its size"),
        (a_zip({"readme.md": b"hello"}), "no YAML file"),
        (a_zip({f"{n}.yaml": b"# " + b"%x" % n * 200_000 for n in range(10, 60)}), "8 MB of rules"),
        (b"PK\x03\x04 damaged", "cannot be read"),
        (b"\xff\xfe\x00binary", "neither a YAML file nor a ZIP"),
        (b"  \n", "empty"),
    ],
)
def test_an_upload_that_no_folder_of_rules_makes_is_refused(
    content: bytes, says: str, alice: User, in_acme: Organization, client_for: ClientFor
) -> None:
    answer = client_for(alice).post(PAGE, {"file": SimpleUploadedFile("rules.zip", content)})

    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert not RuleImport.objects.exists()


def test_a_zip_of_a_folder_is_imported(alice: User, in_acme: Organization, client_for: ClientFor) -> None:
    packed = a_zip(
        {"rules/a.yaml": a_text("acme.a").encode(), "rules/deep/b.yml": a_text("acme.b").encode(), "rules/x.py": b"1"}
    )

    answer = client_for(alice).post(PAGE, {"file": SimpleUploadedFile("rules.zip", packed)}, follow=True)

    assert answer.status_code == 200
    assert set(Rule.objects.values_list("identifier", flat=True)) == {"acme.a", "acme.b"}


def test_too_many_rules_are_cut_and_said_so(in_acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rules.services.importing.MOST_RULES", 2)

    made = bring(("a.yaml", a_text("acme.a", "acme.b", "acme.c")))

    assert Rule.objects.count() == 2
    assert "2 rules" in made.problems[0]


# --- Taking a rule away -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_findings", [True, False])
def test_an_imported_rule_is_removed_and_its_findings_stay(
    has_findings: bool, alice: User, in_acme: Organization, client_for: ClientFor
) -> None:
    bring(("a.yaml", a_text("acme.rule")))
    rule = Rule.objects.get()
    made = [factories.a_finding(rule=rule) for _ in range(int(has_findings))]

    client_for(alice).post(f"/orgs/acme/rules/{rule.pk}/remove/")

    left = Rule.objects.values_list("origin", "yaml", "delivered")
    assert list(left) == [(Origin.REPORTED, "", "")] * len(made)
    assert Event.objects.filter(kind="rule_removed").count() == 1


def test_a_rule_that_was_not_imported_is_not_removed(alice: User, in_acme: Organization, client_for: ClientFor) -> None:
    rule = factories.a_rule("acme.reported")

    page = client_for(alice).post(f"/orgs/acme/rules/{rule.pk}/remove/", follow=True).content.decode()

    assert "Only an imported rule can be removed" in page
    assert Rule.objects.exists()


# --- From the command line --------------------------------------------------------------------------------------------


def test_a_folder_is_imported_and_checked_from_the_command_line(
    acme: Organization, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.yaml").write_text(a_text("acme.good"))
    (tmp_path / "b.yml").write_text(a_text("acme.bad", pattern="foo(("))

    call_command("import_rules", "acme", str(tmp_path))

    said = capsys.readouterr()
    assert "2 rules: 2 added, 0 updated, 0 unchanged, 0 left out; 1 refused by the engine." in said.out
    assert "acme.bad: " in said.err


def test_the_command_line_says_what_is_wrong(acme: Organization, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no YAML file below"):
        call_command("import_rules", "acme", str(tmp_path))
    with pytest.raises(CommandError, match="no organization nowhere"):
        call_command("import_rules", "nowhere", str(tmp_path))


def test_files_are_bounded_when_read_from_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brought, "MAX_BYTES", 10)
    (tmp_path / "a.yaml").write_text(a_text("acme.a"))

    with pytest.raises(brought.FilesRefused):
        brought.files_below(tmp_path)
