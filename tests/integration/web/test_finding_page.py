from __future__ import annotations

import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

import scm.services
from events.models import Event
from findings.models import Finding, IgnoreReason, NotAnalysed, Note, Triage
from providers.models import ModelCall, Outcome
from remediation.models import Autofix, Guidance
from tenancy.models import Organization
from tests import factories
from triage.models import Feedback, Source

ClientFor = Callable[[User], Client]

SOURCE = "import os\n\n\ndef show(name):\n    command = 'cat ' + name\n    return os.popen(command).read()\n"
DIFF = (
    "--- a/app/orders.py\n"
    "+++ b/app/orders.py\n"
    "@@ -3,4 +3,4 @@\n"
    " \n"
    " def show(name):\n"
    "-    command = 'cat ' + name\n"
    "+    command = ['cat', name]\n"
    "     return os.popen(command).read()\n"
)
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def finding(in_acme: Organization) -> Finding:
    """A finding whose file is known."""
    made = factories.a_finding(start_line=5, end_line=5)
    scm.services.keep_files(project=made.project, revision=made.revision, files=[(made.path, SOURCE)])
    return made


@pytest.fixture
def browser(alice: User, client_for: ClientFor) -> Client:
    """Alice's."""
    return client_for(alice)


def address(finding: Finding, rest: str = "") -> str:
    return f"/orgs/acme/findings/{finding.pk}/{rest}"


def shown(browser: Client, finding: Finding) -> str:
    return browser.get(address(finding)).content.decode()


def a_quote(**fields: Any) -> dict[str, Any]:
    values = {"path": "app/orders.py", "start_line": 5, "end_line": 5, "quote": "'cat ' + name", "role": "source"}
    return {**values, "holds": True, "problem": "", "moved": False, "is_comment": False, **fields}


def a_fix(finding: Finding, **fields: Any) -> Autofix:
    gates = [{"gate": "applies", "outcome": "passed", "explanation": "Found once."}]
    values = {"diff": DIFF, "explanation": "Without a shell.", "gates": gates, "confidence": "medium"}
    return Autofix.objects.create(finding=finding, source=Source.BUILT_IN, **{**values, "is_shown": True, **fields})


# --- What is shown ----------------------------------------------------------------------------------------------------


def test_the_match_is_marked_in_its_numbered_code(finding: Finding, browser: Client) -> None:
    page = shown(browser, finding)

    assert '<div class="code-line is-match" id="L5">' in page
    assert 'id="L4"' in page


def test_without_code_the_page_says_how_to_send_it(in_acme: Organization, browser: Client) -> None:
    page = shown(browser, factories.a_finding())

    assert "The code of this finding is not known here" in page


def test_evidence_leads_to_its_lines(finding: Finding, browser: Client) -> None:
    factories.a_verdict(finding, evidence=[a_quote()])

    page = shown(browser, finding)

    assert 'href="#L5" data-lines="1"' in page


def test_evidence_that_does_not_hold_is_struck_with_the_reason(finding: Finding, browser: Client) -> None:
    quote = a_quote(start_line=40, end_line=40, holds=False, problem="the file has no line 40")
    factories.a_verdict(finding, evidence=[quote])

    page = shown(browser, finding)

    assert "<s><code>app/orders.py:40</code></s>" in page
    assert "the file has no line 40" in page


def test_the_page_says_who_answered(finding: Finding, browser: Client) -> None:
    factories.a_verdict(finding, source=Source.MODEL, model="gpt-5-mini")
    assert "Answered by <strong>gpt-5-mini</strong>" in shown(browser, finding)

    factories.a_verdict(finding)
    assert "Answered by <strong>Built-in (no model)</strong>" in shown(browser, finding)


def test_a_finding_that_was_not_analysed_says_why_and_what_changes_it(in_acme: Organization, browser: Client) -> None:
    page = shown(browser, factories.a_finding(not_analysed=NotAnalysed.CAP))

    assert "more new findings than are analysed for one pull request" in page
    assert "raise the number" in page


def test_a_waiting_finding_asks_again_by_itself(in_acme: Organization, browser: Client) -> None:
    waiting = shown(browser, factories.a_finding())
    judged = factories.a_finding()
    factories.a_verdict(judged)

    assert 'hx-trigger="every 4s"' in waiting
    assert 'hx-trigger="every 4s"' not in shown(browser, judged)


def test_guidance_is_numbered_with_its_code(finding: Finding, browser: Client) -> None:
    steps = [{"text": "Drop the `shell`.", "code": "run(['cat', name])"}]
    Guidance.objects.create(finding=finding, summary="No shell.", steps=steps, source=Source.BUILT_IN)

    page = shown(browser, finding)

    assert "Drop the <code>shell</code>." in page
    assert "No shell." in page


def test_an_unverified_fix_is_marked_so_with_each_check(finding: Finding, browser: Client) -> None:
    gates = [
        {"gate": "applies", "outcome": "passed", "explanation": "Found once."},
        {"gate": "rule_silent", "outcome": "not_run", "explanation": "The rule's text is not known."},
        {"gate": "no_new_finding", "outcome": "failed", "explanation": "Another rule matches now."},
    ]
    a_fix(finding, gates=gates)

    page = shown(browser, finding)

    assert "Unverified" in page
    assert "Not every check has passed" in page
    assert all(word in page for word in ("Passed", "Not run", "Failed", "Another rule matches now."))


def test_changed_lines_say_in_words_what_became_of_them(finding: Finding, browser: Client) -> None:
    a_fix(finding)

    page = shown(browser, finding)

    assert page.count('<span class="visually-hidden">removed: </span>') == 1
    assert page.count('<span class="visually-hidden">added: </span>') == 1


def test_a_fix_that_may_not_be_shown_gives_only_the_reason(finding: Finding, browser: Client) -> None:
    a_fix(finding, is_shown=False, confidence="", explanation="It would remove the feature.")

    page = shown(browser, finding)

    assert "No fix is shown" in page
    assert "It would remove the feature." in page
    assert "command = [" not in page
    assert browser.get(address(finding, "patch")).status_code == 404


def test_the_patch_is_one_that_git_applies(finding: Finding, browser: Client, tmp_path: Path) -> None:
    a_fix(finding)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "orders.py").write_text(SOURCE)

    response = browser.get(address(finding, "patch"))

    assert response["Content-Type"].startswith("text/x-diff")
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=response.content, check=True)
    assert "command = ['cat', name]" in (tmp_path / "app" / "orders.py").read_text()


def test_nothing_from_outside_becomes_markup(in_acme: Organization, browser: Client, alice: User) -> None:
    step = {"role": "source", "path": HOSTILE, "start_line": 1, "start_column": 1, "end_line": 1, "end_column": 2}
    finding = factories.a_finding(
        message=f"{HOSTILE} **bold** [link](javascript:alert(1)) ![x](https://example.com/x.png)",
        path="app/x.py",
        start_line=1,
        end_line=1,
        trace=[{**step, "text": HOSTILE}],
    )
    scm.services.keep_files(project=finding.project, revision=finding.revision, files=[("app/x.py", HOSTILE)])
    factories.a_verdict(
        finding,
        explanation=HOSTILE,
        evidence=[a_quote(quote=HOSTILE, problem=HOSTILE, holds=False)],
        facts=[{"kind": "x", "statement": HOSTILE, "leaning": ""}],
        model=HOSTILE,
        source=Source.MODEL,
    )
    steps = [{"text": HOSTILE, "code": HOSTILE}]
    Guidance.objects.create(finding=finding, summary=HOSTILE, steps=steps, source=Source.MODEL, model=HOSTILE)
    a_fix(finding, diff=f"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{HOSTILE}\n+{HOSTILE}\n", explanation=HOSTILE)
    browser.post(address(finding, "notes/"), {"text": HOSTILE})

    page = shown(browser, finding)

    assert "<script>alert" not in page
    assert "<strong>bold</strong>" in page
    assert 'href="javascript' not in page
    assert "<img" not in page


def test_characters_that_reorder_code_are_made_visible(in_acme: Organization, browser: Client) -> None:
    finding = factories.a_finding(start_line=1, end_line=1)
    text = "if level != 'user\N{RIGHT-TO-LEFT OVERRIDE}': pass\n"
    scm.services.keep_files(project=finding.project, revision=finding.revision, files=[(finding.path, text)])

    page = shown(browser, finding)

    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page


def test_only_an_admin_sees_the_way_to_prompt_and_answer(
    finding: Finding, browser: Client, bob: User, client_for: ClientFor
) -> None:
    call = ModelCall.objects.create(
        purpose="triage/verdict",
        prompt_name="triage/verdict",
        prompt_version=1,
        adapter="openai",
        outcome=Outcome.ANSWERED,
        user_text=f"The question {HOSTILE}",
        reply_text="The answer",
        input_tokens=1234,
    )
    factories.a_verdict(finding, source=Source.MODEL, model="gpt-5-mini", model_call_id=call.pk)
    way = f"/orgs/acme/settings/prompts/{call.pk}/"

    asked = browser.get(way).content.decode()

    assert way in shown(browser, finding)
    assert "The question &lt;script&gt;" in asked
    assert "The answer" in asked
    assert way not in shown(client_for(bob), finding)
    assert client_for(bob).get(way).status_code == 403


# --- What people do ---------------------------------------------------------------------------------------------------


def test_agreeing_with_a_false_positive_ignores_the_finding(finding: Finding, browser: Client, alice: User) -> None:
    verdict = factories.a_verdict(finding)

    response = browser.post(address(finding, "feedback/"), {"agrees": "yes", "reason": "Constant."})

    finding.refresh_from_db()
    assert response["Location"] == address(finding)
    assert (finding.triage, finding.ignore_reason) == (Triage.IGNORED, IgnoreReason.FALSE_POSITIVE)
    assert Feedback.objects.get(verdict=verdict, user=alice).agrees


def test_agreeing_with_a_true_positive_never_ignores(finding: Finding, browser: Client) -> None:
    factories.a_verdict(finding, "true_positive")

    page = shown(browser, finding)
    browser.post(address(finding, "feedback/"), {"agrees": "yes"})

    finding.refresh_from_db()
    assert "Agree and ignore" not in page
    assert finding.triage == Triage.OPEN


def test_disagreeing_leaves_the_finding_open(finding: Finding, browser: Client) -> None:
    factories.a_verdict(finding)

    browser.post(address(finding, "feedback/"), {"agrees": "no"})

    finding.refresh_from_db()
    assert finding.triage == Triage.OPEN
    assert "You disagreed" in shown(browser, finding)


def test_there_is_nothing_to_agree_with_before_a_verdict(finding: Finding, browser: Client) -> None:
    response = browser.post(address(finding, "feedback/"), {"agrees": "yes"}, follow=True)

    finding.refresh_from_db()
    assert b"There is no verdict" in response.content
    assert finding.triage == Triage.OPEN


def test_a_finding_is_ignored_for_a_reason_and_reopened(finding: Finding, browser: Client) -> None:
    browser.post(address(finding, "ignore/"), {"reason": "acceptable_risk", "comment": "Internal tool."})
    ignored = Finding.objects.get(pk=finding.pk)
    page = shown(browser, finding)

    browser.post(address(finding, "triage/"), {"triage": "open"})

    finding.refresh_from_db()
    assert (ignored.triage, ignored.ignore_reason) == (Triage.IGNORED, IgnoreReason.ACCEPTABLE_RISK)
    assert "ignored this: acceptable risk" in page
    assert "Internal tool." in page
    assert (finding.triage, finding.ignore_reason) == (Triage.OPEN, "")


@pytest.mark.parametrize("sent", [{"reason": "because"}, {}, {"reason": "no_time", "comment": "x" * 3001}])
def test_a_wrong_reason_ignores_nothing(sent: dict[str, str], finding: Finding, browser: Client) -> None:
    response = browser.post(address(finding, "ignore/"), sent, follow=True)

    finding.refresh_from_db()
    assert finding.triage == Triage.OPEN
    assert b"Not ignored" in response.content


def test_a_finding_is_not_ignored_without_a_reason_by_the_other_form(finding: Finding, browser: Client) -> None:
    browser.post(address(finding, "triage/"), {"triage": "ignored"})

    finding.refresh_from_db()
    assert finding.triage == Triage.OPEN


def test_a_note_is_part_of_the_activity(finding: Finding, browser: Client) -> None:
    browser.post(address(finding, "notes/"), {"text": "Seen by the payments team."})

    page = shown(browser, finding)

    assert "Seen by the payments team." in page
    assert Note.objects.get(finding=finding).author == "alice@acme.example"


def test_an_empty_note_is_not_written(finding: Finding, browser: Client) -> None:
    browser.post(address(finding, "notes/"), {"text": "   "})

    assert not Note.objects.exists()


def test_analyze_puts_the_finding_up_whatever_left_it_out(in_acme: Organization, browser: Client) -> None:
    finding = factories.a_finding(not_analysed=NotAnalysed.SEVERITY)

    browser.post(address(finding, "analyze/"))

    finding.refresh_from_db()
    assert finding.not_analysed == NotAnalysed.WAITING
    assert Event.objects.filter(finding_id=finding.pk, kind="analysis_requested").exists()


def test_going_back_never_leads_to_another_site(finding: Finding, browser: Client) -> None:
    response = browser.post(address(finding, "triage/"), {"triage": "to_fix", "next": "https://evil.example/"})

    assert response["Location"] == address(finding)


def test_going_back_leads_to_the_list_one_came_from(finding: Finding, browser: Client) -> None:
    origin = "/orgs/acme/findings/?severity=high"

    response = browser.post(address(finding, "triage/"), {"triage": "to_fix", "next": origin})

    assert response["Location"] == origin


@pytest.mark.parametrize(
    ("outcome", "cost", "shown_cost", "shown_time"),
    [
        (Outcome.ANSWERED, Decimal("0.00082"), "US$ 0.0008", "3.5 s"),
        (Outcome.ANSWERED, Decimal("1.5"), "US$ 1.50", "3.5 s"),
        (Outcome.ANSWERED, None, "price unknown", "3.5 s"),
        (Outcome.REUSED, Decimal(0), "nothing", "3.5 s, an earlier answer was reused"),
    ],
)
def test_the_page_tells_how_it_was_decided(  # noqa: PLR0917  (a row of the table, and the fixtures)
    finding: Finding, browser: Client, outcome: Outcome, cost: Decimal | None, shown_cost: str, shown_time: str
) -> None:
    call = ModelCall.objects.create(
        purpose="triage/verdict",
        prompt_name="triage/verdict",
        prompt_version=7,
        adapter="openai",
        outcome=outcome,
        input_tokens=1234,
        output_tokens=56,
        cost=cost,
        duration_ms=3450,
        redacted_count=2,
    )
    factories.a_verdict(finding, source=Source.MODEL, model="gpt-5", prompt_version=7, model_call_id=call.pk)

    page = shown(browser, finding)

    facts = [
        ("Provider", "AI provider, gpt-5"),
        ("Prompt", "triage/verdict version 7"),
        ("Tokens", "1234 in, 56 out"),
        ("Cost", shown_cost),
        ("Hidden", "2 values taken out before sending"),
        ("Time", shown_time),
    ]
    assert [name for name, value in facts if f"<dt>{name}</dt><dd>{value}</dd>" not in page] == []
    assert f"/orgs/acme/settings/prompts/?finding={finding.pk}" in page
