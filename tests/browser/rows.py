"""Who visits the site, and what it shows beside the demo: every state of a page that the demo does not have."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

import findings.services
import memories.services
import orgs.joining
import orgs.services
import orgs.sign_on.services
import orgs.teams
import providers.budget
import remediation.pull_requests
import rules.services
import scm.services
import triage.weeks
from events.kinds import ASSISTANT, SCANNER, SYSTEM, Actor, ActorKind, Kind
from events.services import record
from findings.models import DayCount, Finding, IgnoreReason, NotAnalysed, Scan, ScanState, TriageImport
from lib.crypto import digest_of_token
from memories.models import DryRun, Memory, MemorySource, Purpose
from memories.scopes import Scope as MemoryScope
from notifications.channels.slack_facts import IN_WORDS
from notifications.deciding import Reason
from notifications.models import (
    Comment,
    CommentDecision,
    SlackDestination,
    SlackWorkspace,
    WebhookEndpoint,
    WebhookMessage,
)
from notifications.models import Outcome as CommentOutcome
from orgs.models import ApiToken, Invitation, Membership, Project, Protocol, SignOn, Team
from orgs.permissions import Role
from orgs.services import actor_of
from providers.models import Connection, ModelCall, Outcome, Step, StepModel, Vendor
from remediation.gates import Gate
from remediation.models import Autofix, FixPullRequest, Guidance
from rules.models import Mode, Rule, RuleImport
from scm.models import CodeHost, HostKind, Installation, PullRequest, Repository
from tenancy.directory import organization_by_slug
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories
from tests.integration.scm.certificates import an_authority
from triage.models import PriorityWeek, Source

# The organization of the demo, one with every other state, one without anything.
DEMO, ACME, EMPTY = "copperleaf", "acme", "umbrella"

PASSWORD = factories.PASSWORD
ADMIN = "demo@example.org"  # of the demo
MEMBER = "bob@copperleaf.example"
READER = "rita@copperleaf.example"
ALICE = "alice@acme.example"  # Admin of the two others, so she chooses on arrival
LIMITED = "liam@acme.example"  # a Member of Acme who sees the projects of a team only
NEWCOMER = "newcomer@nowhere.example"  # in no organization
KIM = "kim@acme.example"  # Manager of Acme, who sets up a passkey
TOM = "tom@acme.example"  # Member of Acme, who sets up an authenticator app

CODE = '''\
"""Searches the customers."""

import sqlite3

from flask import request


def search(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    name = request.args.get("q", "")
    statement = "SELECT id, name FROM customers WHERE name = '" + name + "' AND deleted_at IS NULL ORDER BY name, id"
    # <script>document.title = "a comment that is hostile"</script>
    return list(connection.execute(statement))
'''
DIFF = """\
--- a/app/search.py
+++ b/app/search.py
@@ -7,6 +7,6 @@
\x20
 def search(connection: sqlite3.Connection) -> list[tuple[int, str]]:
     name = request.args.get("q", "")
-    statement = "SELECT id, name FROM customers WHERE name = '" + name + "' AND deleted_at IS NULL ORDER BY name, id"
+    statement = "SELECT id, name FROM customers WHERE name = ? AND deleted_at IS NULL ORDER BY name, id"
     # <script>document.title = "a comment that is hostile"</script>
-    return list(connection.execute(statement))
+    return list(connection.execute(statement, (name,)))
"""
LONG_PATH = (
    "services/notifications/src/main/java/com/example/platform/notifications/delivery/RetryingWebhookDelivery.java"
)
LONG_RULE = "java.lang.security.audit.crypto.use-of-default-initialization-vector-in-authenticated-encryption-mode"


def fill() -> None:
    """Make the people and everything beside the demo."""
    admin = factories.a_person(ALICE)
    acme = factories.an_organization(ACME, admin=admin)
    factories.an_organization(EMPTY, admin=admin)
    factories.a_person(NEWCOMER)
    with acting_for(acme.pk), transaction.atomic():
        alices = Membership.objects.get(user=admin)
        factories.a_member(factories.a_person(KIM), Role.MANAGER)
        factories.a_member(factories.a_person(TOM), Role.MEMBER)
        invited = ["erin@example.com", "somebody-with-a-rather-long-name@subsidiary-of-the-group.example.com"]
        orgs.joining.invite(addresses=invited, role=Role.MEMBER, by=alices, actor=actor_of(admin))
        Invitation.objects.filter(email=invited[1]).update(delivery_error="the mail server answered 550 no such user")
    # Those who sign in by form: the site has the hashers of production, tests a cheaper one.
    hashed = PBKDF2PasswordHasher().encode(PASSWORD, "a-salt-of-tests")
    User.objects.filter(email__in=[ADMIN, KIM, TOM]).update(password=hashed)
    demo = organization_by_slug(DEMO)
    assert demo is not None
    with acting_for(demo.pk), transaction.atomic():
        factories.a_member(factories.a_person(MEMBER), Role.MEMBER)
        factories.a_member(factories.a_person(READER), Role.READ_ONLY)
        _fill_usage()
    with acting_for(acme.pk), transaction.atomic():
        _fill_acme(admin)
    with acting_for(acme.pk), transaction.atomic():
        _fill_dashboard()


def ids() -> dict[str, int]:
    """Return the ids that addresses of pages name, of whatever database this thread uses."""
    return {**_ids_in(DEMO, _DEMO_FINDINGS), **_ids_in(ACME, _ACME_FINDINGS)}


def _ids_in(slug: str, wanted: dict[str, dict[str, Any]]) -> dict[str, int]:
    organization = organization_by_slug(slug)
    assert organization is not None
    with acting_for(organization.pk), transaction.atomic():
        scans = Scan.objects.order_by("pk")
        return {
            **{word: Finding.objects.filter(**filters).order_by("-pk")[0].pk for word, filters in wanted.items()},
            **{f"scan_{scan.state}": scan.pk for scan in scans},
            **{f"call_{call.outcome}": call.pk for call in ModelCall.objects.all()},
            **{f"connection_{entry.vendor}": entry.pk for entry in Connection.objects.all()},
            **{f"host_{host.kind}": host.pk for host in CodeHost.objects.all()},
            **{f"hook_{'on' if each.is_active else 'off'}": each.pk for each in WebhookEndpoint.objects.all()},
            **{f"message_{each.state}": each.pk for each in WebhookMessage.objects.all()},
            **{f"token_{token.first_characters}": token.pk for token in ApiToken.objects.all()},
            **{f"team_{team.name.lower()}": team.pk for team in Team.objects.all()},
            **{f"rule_{_RULES[each.identifier]}": each.pk for each in Rule.objects.filter(identifier__in=_RULES)},
            **{f"import_of_{made.source.partition('-')[0]}": made.pk for made in RuleImport.objects.all()},
            **{f"import_{made.state}": made.pk for made in TriageImport.objects.all()},
            **{f"memory_{memory.state}": memory.pk for memory in Memory.objects.order_by("pk")},
            f"{slug}_project": scans[0].project_id,
            f"{slug}_scan": scans[0].pk,
            **{f"sign_on_{sign_on.protocol}": sign_on.pk for sign_on in SignOn.objects.all()},
        }


# The last ones in the demo; tests that change something are given the first ones.
_DEMO_FINDINGS: dict[str, dict[str, Any]] = {
    "verified": {"has_verified_fix": True},
    "likely_false": {"recommendation": "ignore"},
    "unsure": {"recommendation": "unsure"},
    "skipped": {"recommendation": ""},
}
_RULES = {"acme.shell-command-from-input": "shell", "acme.cannot-be-read": "refused"}
_ACME_FINDINGS: dict[str, dict[str, Any]] = {
    "held_back": {"path": "app/held.py"},
    "by_model": {"path": "app/search.py"},
    "waiting": {"not_analysed": NotAnalysed.WAITING},
    "unavailable": {"not_analysed": NotAnalysed.UNAVAILABLE},
    "stopped": {"not_analysed": NotAnalysed.BUDGET},
    "ignored": {"triage": "ignored"},
    "fixed": {"is_present": False},
    "fix_opened": {"path": "billing/search.py"},
    "fix_refused": {"path": "billing/invoices.py"},
}


def _import_decisions(admin: User) -> None:
    location = {"file_path": "app/search.py", "line": 1}
    entries = [
        {"triage_state": "ignored", "match_based_id": f"unknown-{n}", "location": location, "rule": {"name": LONG_RULE}}
        for n in range(3)
    ]
    known = Finding.objects.filter(path__in=["app/legacy.py", "app/search.py"]).select_related("rule")
    for finding in known:
        place = {"file_path": finding.path, "line": finding.start_line}
        said = {"triage_reason": "false_positive", "triage_comment": "Looked at in spring. " * 10}
        entries.append(
            {"triage_state": "ignored", "location": place, "rule": {"name": finding.rule.identifier}, **said}
        )
    for name in (
        "findings-of-last-year.json",
        "an-export-with-a-rather-long-name-of-the-whole-organization.sarif.json",
    ):
        findings.services.preview_triage_import(
            file=io.BytesIO(json.dumps({"findings": entries}).encode()),
            file_name=name,
            project=Scan.objects.order_by("pk")[0].project,
            actor=actor_of(admin),
        )
    first = TriageImport.objects.order_by("pk")[0]
    TriageImport.objects.filter(pk=first.pk).update(state="applied", applied_at=timezone.now())


def _held_back(project: Project) -> None:
    """Make a finding that two looks call harmless: held back in one pull request, commented on in another."""
    scan = factories.a_scan(
        project, pull_request_id="131", branch="", is_full=False, state=ScanState.SETTLED, new_count=1, late_count=2
    )
    finding = factories.a_finding(scan=scan, path="app/held.py", is_production=False, severity=4)
    factories.a_verdict(
        finding,
        explanation="`name` is one of three constants by the time it reaches the query.",
        source=Source.MODEL,
        model="gpt-5-mini",
        second_vote="false_positive",
        second_explanation="To exploit it somebody would have to choose `name`, which line 2 makes impossible.",
    )
    findings.services.hold_back(project=finding.project, ref="pull/131", finding_ids=[finding.pk])
    for number, outcome, reason in (
        ("131", CommentOutcome.HELD_BACK, Reason.LIKELY_FALSE_POSITIVE),
        ("127", CommentOutcome.WITH_NOTICE, Reason.ALREADY_COMMENTED),
    ):
        pull_request = PullRequest.objects.create(
            project=project,
            number=number,
            title="Let people search their orders by name",
            web_url=f"https://github.example/acme/storefront/pull/{number}",
        )
        comment = Comment.objects.create(
            pull_request=pull_request, key=f"finding-{finding.pk}", web_url=f"{pull_request.web_url}#discussion_r1"
        )
        CommentDecision.objects.create(
            pull_request=pull_request,
            finding=finding,
            outcome=outcome,
            reason=reason,
            comment=comment if outcome == CommentOutcome.WITH_NOTICE else None,
        )


def _fill_acme(admin: User) -> None:
    _fill_sign_on(admin)
    _connect()
    project = factories.a_project("storefront")
    _connect_hosts(project)
    _connect_slack(project)
    _add_webhooks()
    scan = factories.a_scan(
        project, commit="4f1c0de2ab90", found_count=5, new_count=5, state=ScanState.SETTLED, report_format="semgrep"
    )
    pull_request = factories.a_scan(
        project,
        pull_request_id="128",
        is_full=False,
        found_count=1,
        new_count=1,
        problems=["results[3]: no start line"],
    )
    factories.a_scan(project, state=ScanState.RECEIVED)
    factories.a_scan(project, state=ScanState.FAILED, failure="This is no report: it ends in the middle of a value.")
    rule = factories.a_rule(
        message="The query is built from **request data**.\n\nUse a [parameter](https://docs.example.org/sql).\n<script>",
        owasp=["A03:2021"],
        help_uri="https://rules.example.org/sql",
    )
    long_rule = factories.a_rule(LONG_RULE, message="A default initialization vector repeats.", cwe=["CWE-329"])
    scm.services.keep_files(project=project, revision=scan.revision, files=[("app/search.py", CODE)])
    _fill_settings(admin, project)
    _fill_rules(admin, project, long_rule)
    _judged_by_a_model(factories.a_finding(scan=scan, rule=rule, path="app/search.py", start_line=9, end_line=9))
    factories.a_finding(
        scan=pull_request, rule=long_rule, path=LONG_PATH, start_line=1204, end_line=1204, is_production=False
    )
    _held_back(project)
    factories.a_finding(
        scan=scan,
        rule=long_rule,
        path="app/mail.py",
        not_analysed=NotAnalysed.UNAVAILABLE,
        not_analysed_detail="The provider answered 401: the key is not valid.",
    )
    factories.a_finding(
        scan=scan,
        path="app/export.py",
        not_analysed=NotAnalysed.BUDGET,
        not_analysed_detail="The month's budget is used up: US$ 20.00 of US$ 20.00 are spent this month.",
    )
    _use_up_the_budget()
    factories.a_finding(scan=scan, path="app/old.py", is_present=False, not_analysed=NotAnalysed.FIXED)
    ignored = factories.a_finding(scan=scan, path="app/legacy.py", not_analysed=NotAnalysed.IGNORED)
    orgs.services.change_settings(actor=actor_of(admin), changes={"noise_filter": True})
    orgs.services.change_project_settings(
        project=project, actor=actor_of(admin), changes={"auto_triage": False, "pull_request_cap": 25}
    )
    findings.services.ignore(
        finding=ignored,
        reason=IgnoreReason.ACCEPTABLE_RISK,
        comment="Only a cache key.",
        actor=actor_of(admin),
        expires_at=timezone.now() + timedelta(days=90),
    )
    _fill_fix_pull_requests(admin)
    _fill_memories(admin)
    _import_decisions(admin)


def _connect_slack(project: Project) -> None:
    """A workspace with a channel for all projects, and one of a project that was archived since."""
    workspace = SlackWorkspace.objects.create(team_id="T0ACME", team_name="Acme Workspace", installed_by="Alice")
    for name, fields in (
        ("security", {}),
        ("storefront-alerts", {"project": project, "problem": IN_WORDS["is_archived"], "tells_new_findings": False}),
    ):
        SlackDestination.objects.create(
            workspace=workspace, channel_id="C0SECURITY", channel_name=name, chosen_by="Alice", **fields
        )


def _fill_memories(admin: User) -> None:
    """A live memory that was changed, used and tried; a suggested one that contradicts it; a disabled one."""
    finding = Finding.objects.filter(path="app/search.py").select_related("project", "rule").get()
    by_admin = actor_of(admin)
    live = memories.services.teach(
        text="A name from request.args went through clean() in app/middleware.py, which keeps letters only.",
        purpose=Purpose.BOTH, scope=MemoryScope.of_finding(finding), source=MemorySource.FIX, actor=by_admin,
        goes_live=True, finding=finding,
    )  # fmt: skip
    memories.services.change(
        memory=live, actor=by_admin, purpose=Purpose.TRIAGE,
        scope=MemoryScope(project=finding.project, path_prefix="app"),
        text=live.text + " You recognise it by the import of middleware.",
        expires_at=timezone.now() + timedelta(days=200),
    )  # fmt: skip
    live.refresh_from_db()
    verdict = finding.verdicts.latest("pk")
    memories.services.note_use(memories=[live], finding=finding, verdict_id=verdict.pk)
    tried = {"finding": finding.pk, "before": "true_positive", "after": "false_positive", "problem": ""}
    DryRun.objects.create(
        memory=live, version=live.version, state="done", planned_count=1, left_out_count=3, requested_by=ALICE,
        results=[{**tried, "explanation": "clean() keeps letters only, so the statement cannot be changed."}],
    )  # fmt: skip
    suggested = memories.services.teach(
        text="Nothing in app/ is cleaned before it is used: treat every value of a request as it was sent.",
        purpose=Purpose.TRIAGE, scope=MemoryScope(project_tag=""), source=MemorySource.PAGE,
        actor=Actor(ActorKind.PERSON, TOM), goes_live=False,
    )  # fmt: skip
    Memory.objects.filter(pk=suggested.pk).update(
        conflicts=[live.pk], conflicts_because="One says that names are cleaned, one that nothing is.",
        compared_version=suggested.version,
    )  # fmt: skip
    ended = memories.services.teach(
        text="For the time of the migration: " + LONG_PATH, purpose=Purpose.REMEDIATION,
        scope=MemoryScope(rule=finding.rule), source=MemorySource.PAGE, actor=by_admin, goes_live=True,
    )  # fmt: skip
    memories.services.disable(memory=ended, actor=by_admin)


def _fill_fix_pull_requests(admin: User) -> None:
    """A connected project, public and archived by nobody: a fix pull request that is open, and one that was refused."""
    project = factories.a_project("billing")
    host = CodeHost.objects.create(kind=HostKind.GITHUB, base_url="https://github.example", hook_key="of-billing")
    named = {"external_id": "41", "full_name": "acme/billing", "default_branch": "main", "is_private": False}
    Repository.objects.create(project=project, host=host, **named)
    scan = factories.a_scan(project, commit="4f1c0de2ab90" + "0" * 28, state=ScanState.SETTLED)
    for path in ("billing/search.py", "billing/invoices.py"):
        scm.services.keep_files(project=project, revision=scan.revision, files=[(path, CODE)])
        finding = factories.a_finding(scan=scan, path=path, start_line=9, end_line=9)
        factories.a_verdict(finding, "true_positive", explanation="The value of `q` reaches the statement.")
        checked = [{"gate": gate, "outcome": "passed", "explanation": "As it should."} for gate in Gate]
        fix = Autofix.objects.create(
            finding=finding, diff=DIFF.replace("app/search.py", path), explanation="Binds the value.", gates=checked,
            confidence="high", is_shown=True, is_verified=True, revision=scan.revision, source=Source.BUILT_IN,
        )  # fmt: skip
        findings.services.apply_fix(finding=finding, confidence="high", is_verified=True)
        asked = remediation.pull_requests.request(finding=finding, actor=actor_of(admin))
        assert asked.autofix_id == fix.pk
    opened, refused = FixPullRequest.objects.order_by("pk")
    FixPullRequest.objects.filter(pk=opened.pk).update(
        state="opened", number="214", web_url="https://github.example/acme/billing/pull/214", base_branch="main"
    )
    why = "The GitHub App may not write code in acme/billing: it needs contents: write. An owner there can allow it."
    remediation.pull_requests.refuse(fix_pull_request_id=refused.pk, why=why)


RULES = """\
rules:
- id: acme.shell-command-from-input
  languages: [python]
  severity: ERROR
  message: The command contains a value of the request.
  pattern: subprocess.run($COMMAND, ..., shell=True, ...)
- id: acme.cannot-be-read
  languages: [python]
  severity: WARNING
  message: A pattern that no engine reads.
  pattern: run_it((($X)
"""


def _fill_rules(admin: User, project: Project, long_rule: Rule) -> None:
    """An import with a rule that the engine has refused, a mode of a project's own, labels and a history."""
    actor = actor_of(admin)
    rules.services.import_rules(
        source="our-rules.zip", files=[("shell.yaml", RULES), ("ci.yaml", "jobs: {}\n")], actor=actor
    )
    good, bad = Rule.objects.filter(identifier__in=_RULES).order_by("-identifier")
    Rule.objects.filter(pk=good.pk).update(checked_at=timezone.now(), delivered="{}")
    objection = "Invalid pattern for Python: Stdlib.Parsing.Parse_error\n----- pattern -----\nrun_it((($X)\n"
    Rule.objects.filter(pk=bad.pk).update(checked_at=timezone.now(), objection=objection)
    rules.services.change_modes(selection=rules.services.freeze([good, long_rule]), mode=Mode.BLOCK, actor=actor)
    rules.services.set_override(rule=good, project=project, mode=Mode.COMMENT, actor=actor)
    rules.services.change_labels(rule_ids=[good.pk, long_rule.pk], add=["pci", "owned by payments"], actor=actor)


def _fill_sign_on(admin: User) -> None:
    said = {"identifier": "00u1f4", "email": ALICE, "name": "Alice Example", "problem": ""}
    saml = {"protocol": Protocol.SAML, "issuer": "https://idp.acme.example/saml", "sso_url": "https://idp.acme.example"}
    factories.a_sign_on(name="Acme Login", tested_at=timezone.now(), last_test=said)
    factories.a_sign_on("acme-laboratories.example", name="Laboratories", certificates="MIIC", **saml)
    orgs.sign_on.services.claim_domain(typed="acme.test", sign_on=None, actor=actor_of(admin))


def _fill_usage() -> None:
    """Three weeks of requests, one of them of unknown price."""
    project = Project.objects.order_by("pk").first()
    steps = [step for step in Step for _ in range(3)]
    for number in range(60):
        step = steps[number % len(steps)]
        is_reused = number % 7 == 0
        call = ModelCall.objects.create(
            purpose=step, prompt_name=step, prompt_version=1, adapter="openai",
            model=("gpt-5-mini", "gpt-5")[number % 5 == 0], project_id=project.pk if project and number % 4 else None,
            outcome=Outcome.REUSED if is_reused else Outcome.ANSWERED, input_tokens=0 if is_reused else 1800 + number,
            output_tokens=0 if is_reused else 350, saved=Decimal("0.0021") if is_reused else None,
            cost=Decimal(0) if is_reused else None if number == 31 else Decimal(number % 9 + 1) / 400,
        )  # fmt: skip
        ModelCall.objects.filter(pk=call.pk).update(created_at=timezone.now() - timedelta(days=number * number % 23))


def _use_up_the_budget() -> None:
    allowance = providers.budget.reserve(Decimal(0), under=providers.budget.terms())
    providers.budget.set_monthly_limit(Decimal(20), actor=SYSTEM)
    providers.budget.settle(allowance, cost=Decimal("20.0001"), is_assumed=True)
    providers.budget.note_stop(providers.budget.terms())


def _fill_settings(admin: User, project: Project) -> None:
    # Values that nobody knows: these tokens open nothing.
    for name, first, scopes, revoked_at in (
        ("nightly scan of storefront", "aap_nightly", ["ci"], None),
        (
            "dashboard of the security team, with a name as long as people like to write them",
            "aap_dash",
            ["api:read"],
            None,
        ),
        ("old pipeline", "aap_old", ["ci", "api:write"], timezone.now()),
    ):
        ApiToken.objects.create(
            name=name,
            digest=digest_of_token(f"{first} of the browser tests"),
            first_characters=first[:10],
            scopes=scopes,
            created_by=admin,
            created_by_name=admin.email,
            revoked_at=revoked_at,
        )
    limited = factories.a_member(factories.a_person(LIMITED), Role.MEMBER)
    team = orgs.teams.create_team(name="Shopkeepers", actor=actor_of(admin))
    orgs.teams.set_members(team=team, members=[limited], actor=actor_of(admin))
    orgs.teams.set_projects(team=team, projects=[project], actor=actor_of(admin))
    orgs.teams.set_limit(member=limited, is_limited=True, actor=actor_of(admin))
    factories.a_project("vault")


def _judged_by_a_model(finding: Finding) -> None:
    call = ModelCall.objects.create(
        purpose="triage/verdict", finding_id=finding.pk, prompt_name="triage/verdict", prompt_version=1,
        adapter="openai", model="gpt-5-mini", outcome=Outcome.ANSWERED, system_text="You judge findings.\n<b>Bold</b>",
        user_text=f"{CODE}# Ask ⟦PERSON-1⟧ at ⟦EMAIL-2⟧", reply_text=_answer("true_positive"), redacted_count=2,
        input_tokens=1200, output_tokens=260, duration_ms=3450, cost=Decimal("0.00082"),
    )  # fmt: skip
    shared = {"finding_id": finding.pk, "prompt_name": "triage/verdict", "prompt_version": 1, "adapter": "openai"}
    ModelCall.objects.create(
        **shared, purpose="triage/verdict", replay_of=call, model="a-model-with-a-long-name-2026-10-01-preview",
        outcome=Outcome.REUSED, system_text="You judge findings.", user_text=CODE, reply_text=_answer("unsure"),
    )  # fmt: skip
    ModelCall.objects.create(
        **shared, purpose="triage/verdict", model="gpt-5-mini", outcome=Outcome.FAILED, texts_removed_at=timezone.now(),
        error="The provider answered 401: the key is not valid. Check the key in the settings.", is_fallback=True,
    )  # fmt: skip
    ModelCall.objects.create(**shared, purpose="triage/verdict", replay_of=call, outcome=Outcome.ASKING)
    lines = CODE.splitlines()
    verdict = factories.a_verdict(
        finding,
        "true_positive",
        confidence="high",
        explanation="The value of `q` comes from the query string and reaches the statement. <script>alert(1)</script>",
        evidence=[
            _quote(8, 8, lines[7].strip(), "source"),
            _quote(9, 11, "statement = …", "sink"),
            _quote(40, 40, "escape(name)", "sanitizer", holds=False, problem="the file has no line 40"),
        ],
        facts=[{"kind": "source", "statement": "The value comes from request.args.", "leaning": "true_positive"}],
        lowered_because="The answer was: false positive, high confidence.",
        code_lines=[{"path": finding.path, "start_line": 7, "lines": lines[6:], "why": "function"}],
        source=Source.MODEL,
        model="gpt-5-mini",
        prompt_version=1,
        model_call_id=call.pk,
    )
    Guidance.objects.create(
        finding=finding,
        summary="Pass the value as a parameter, so that it stays a value.",
        steps=[
            {"text": "Put a placeholder where the value was.", "code": 'statement = "… WHERE name = ? …"'},
            {"text": "Add a test with a quote in `q`.", "code": ""},
        ],
        source=Source.MODEL,
        model="gpt-5-mini",
    )
    outcomes = {
        "applies": "passed", "parses": "passed", "rule_silent": "not_run", "no_new_finding": "not_run",
        "no_cheating": "passed", "imports_known": "failed",
    }  # fmt: skip
    Autofix.objects.create(
        finding=finding,
        diff=DIFF,
        explanation="The value becomes a parameter of the query.",
        gates=[{"gate": gate, "outcome": outcome, "explanation": "As said."} for gate, outcome in outcomes.items()],
        confidence="medium",
        is_shown=True,
        source=Source.MODEL,
        model="gpt-5-mini",
    )
    Finding.objects.filter(pk=finding.pk).update(
        fix_confidence="medium", component_tag="payments", component_risk="high"
    )
    record(Kind.FINDING_FOUND, actor=SCANNER, finding_id=finding.pk)
    record(Kind.VERDICT_REACHED, actor=ASSISTANT, finding_id=finding.pk, verdict_id=verdict.pk, verdict="true_positive")


def _fill_dashboard() -> None:
    """Make half a year of days of the backlog, of which the first were worked out, and the week's tasks."""
    now = timezone.now()
    for back in range(1, 181):
        for severity, open_then in ((4, 12), (3, 60), (2, 140), (1, 90)):
            DayCount.objects.create(
                day=(now - timedelta(days=back)).date(),
                severity=severity,
                open=open_then + (back * severity) % 17 + back // 4,
                opened=(back * 7 + severity) % 5,
                fixed=(back * 3 + severity) % 4,
                ignored=(back + severity) % 2,
                is_derived=back > 40,
            )
    # An earlier week, as tasks wait for the first scans of a new organization, and some here never end.
    PriorityWeek.objects.create(monday=(now - timedelta(days=30)).date())
    triage.weeks.choose_week(organization=Organization.objects.get(), now=now)


def _answer(verdict: str) -> str:
    """Return what a model answered, which fits the schema."""
    quote = {"path": "app/search.py", "start_line": 9, "end_line": 9, "quote": "name = request", "role": "source"}
    explanation = f"The value comes from the query string, so it is {verdict.replace('_', ' ')}. " * 3
    return json.dumps(
        {"evidence": [quote], "verdict": verdict, "confidence": "high", "explanation": explanation.strip()}
    )


def _quote(start: int, end: int, text: str, role: str, *, holds: bool = True, problem: str = "") -> dict[str, Any]:
    place = {"path": "app/search.py", "start_line": start, "end_line": end, "quote": text, "role": role}
    return {**place, "holds": holds, "problem": problem, "moved": False, "is_comment": False}


def _connect_hosts(project: Project) -> None:
    """Reach GitHub as an App that is well but for one permission, and a GitLab whose token has expired."""
    now = timezone.now()
    saved: dict[str, Any] = {"saved_by": ALICE, "checked_at": now}
    checks = [
        {"name": "contents: read", "needed_for": "reading code", "granted": True, "detail": ""},
        {"name": "checks: write", "needed_for": "the check on a commit", "granted": None, "detail": ""},
        {
            "name": "contents: write",
            "needed_for": "fix pull requests",
            "granted": False,
            "detail": "Grant it in the App's settings, and accept it where the App is installed.",
        },
    ]
    github = factories.a_code_host(
        base_url="https://github.com",
        app_id="1234567",
        app_slug="assistant-of-acme",
        account="assistant-of-acme[bot]",
        checks=checks,
        hook_seen_at=now - timedelta(minutes=12),
        refused_count=3,
        refused_at=now - timedelta(days=2),
        refused_because="its signature is wrong",
        **saved,
    )
    installation = Installation.objects.create(host=github, external_id="1", account="acme")
    Installation.objects.create(host=github, external_id="2", account="acme-labs", is_suspended=True)
    Installation.objects.create(host=github, external_id="3", account="a-former-account", removed_at=now)
    names: dict[str, Any] = {
        "full_name": "acme/shop",
        "web_url": "https://github.com/acme/shop",
        "default_branch": "main",
    }
    factories.a_repository(github, project=project, installation=installation, **names)
    factories.a_code_host(
        HostKind.GITLAB,
        base_url="https://gitlab.acme-manufacturing-and-trading.example/git",
        account="project_42_bot_0123456789abcdef",
        proxy_url="http://proxy.acme.example:3128",
        ca_bundle=an_authority("Acme Manufacturing and Trading Root CA 2"),
        problem="GitLab does not know the token (401): it has expired or was revoked. Enter another one.",
        checks=[{"name": "api", "needed_for": "comments and merge requests", "granted": True, "detail": ""}],
        **saved,
    )
    CodeHost.objects.filter(kind=HostKind.GITLAB).update(sealed_secrets="sealed with a key that is gone")


def _add_webhooks() -> None:
    """Tell one system what happens, which has its troubles, and another one no more."""
    now = timezone.now()
    failing = factories.a_webhook_endpoint(
        "https://automation.acme-manufacturing-and-trading.example/integrations/assistant/v2/hooks?tenant=storefront",
        failures=2,
        failing_since=now - timedelta(minutes=7),
        old_secret_until=now + timedelta(hours=20),
    )
    refused: dict[str, Any] = {"at": (now - timedelta(minutes=7)).isoformat(), "status": 503, "ms": 241, "error": ""}
    silent: dict[str, Any] = {"at": now.isoformat(), "status": 0, "ms": 10_003, "answer": ""}
    waiting: dict[str, Any] = {"sent_at": None, "state": "claimed", "next_try_at": now + timedelta(minutes=2)}
    factories.a_webhook_message(failing)
    factories.a_webhook_message(
        failing,
        tries=2,
        attempts=[
            {**refused, "answer": "<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>"},
            {**silent, "error": "automation.acme-manufacturing-and-trading.example did not answer in time."},
        ],
        **waiting,
    )
    factories.a_webhook_message(failing, "scan.completed", state="failed", sent_at=None, tries=11)
    factories.a_webhook_endpoint(
        "https://hooks.acme.example/old",
        kinds=["scan.failed"],
        is_active=False,
        problem="It answered 410 Gone: it wants nothing more.",
    )


def _connect() -> None:
    """Let one provider answer, one that is in trouble stand in, and Built-in after it."""
    now = timezone.now()
    saved = {"saved_by": ALICE, "checked_at": now, "sealed_secrets": "sealed with a key that is gone"}
    first = Connection.objects.create(
        vendor=Vendor.AZURE_OPENAI,
        position=0,
        model="triage",
        base_url="https://acme.openai.azure.com",
        api_version="2024-10-21",
        input_price="0.250000",
        output_price="2.000000",
        **saved,
    )
    Connection.objects.create(
        vendor=Vendor.BEDROCK,
        position=1,
        model="eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        region="eu-central-1",
        role_arn="arn:aws:iam::123456789012:role/assistant",
        problem="AWS refuses the role (403). Check its trust policy.",
        **saved,
    )
    Connection.objects.create(vendor=Vendor.BUILT_IN, position=2, saved_by=ALICE, checked_at=now)
    StepModel.objects.create(step=Step.AUTOFIX, connection=first, model="autofix-large")
