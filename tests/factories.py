"""The only way a test makes rows. Each needs the scope of an organization, but for people and organizations."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

import orgs.services
from events.kinds import SYSTEM
from findings.models import Finding, NotAnalysed, Presence, Scan, ScanState, TriageImport
from notifications.models import WebhookEndpoint, WebhookMessage
from notifications.outgoing.catalogue import CHOICES
from notifications.outgoing.signing import Secrets, new_secret
from orgs.models import Membership, Project, Protocol, SignOn, SignOnDomain
from orgs.permissions import Role
from rules.models import Rule, Severity
from scm.models import CodeHost, HostKind, Repository
from tenancy.models import Organization
from tenancy.sealing import seal_secrets
from triage.models import Source, Verdict

_numbers = itertools.count(1)
PASSWORD = "correct horse battery"


def a_person(email: str) -> User:
    """Return a person who can sign in with PASSWORD."""
    return orgs.services.person(email, password=PASSWORD)


def an_organization(slug: str, *, admin: User) -> Organization:
    """Return an organization with its first Admin."""
    return orgs.services.create_organization(slug=slug, name=slug.capitalize(), admin=admin)


def a_member(user: User, role: Role) -> Membership:
    """Return a person's membership in the organization in scope."""
    return orgs.services.add_member(user=user, role=role, actor=SYSTEM)


def a_sign_on(domain: str = "acme.example", **fields: Any) -> SignOn:
    """Return an identity provider with a proved domain."""
    values = {"name": "Acme Login", "protocol": Protocol.OIDC, "issuer": "https://login.acme.example", "client_id": "1"}
    sign_on = SignOn.objects.create(key=f"key-{next(_numbers)}", **{**values, **fields})
    proved = {"token": "t", "proved_at": timezone.now(), "proved_by": "DNS"}
    SignOnDomain.objects.create(domain=domain, sign_on=sign_on, **proved)
    return sign_on


def a_project(name: str = "shop") -> Project:
    """Return the project of that name."""
    return Project.objects.get_or_create(name=name, defaults={"primary_branch": "main"})[0]


def a_code_host(kind: HostKind = HostKind.GITHUB, *, webhook_secret: str = "hook secret", **fields: Any) -> CodeHost:
    """Return a code host whose webhooks are signed with that secret."""
    values = {"base_url": f"https://{kind}.example", "is_app": kind == HostKind.GITHUB, "account": "assistant[bot]"}
    sealed = seal_secrets({"webhook_secret": webhook_secret})
    return CodeHost.objects.create(
        kind=kind, hook_key=f"key-{next(_numbers)}", sealed_secrets=sealed, **{**values, **fields}
    )


def a_repository(host: CodeHost, external_id: str = "186853002", **fields: Any) -> Repository:
    """Return a repository on a host with the project that it belongs to, both of the same name."""
    values = {"full_name": f"acme/shop-{external_id}", "default_branch": "main", **fields}
    project = values.pop("project", None) or a_project(values["full_name"])
    return Repository.objects.create(project=project, host=host, external_id=external_id, **values)


def a_rule(identifier: str = "python.sql.built-from-request", **fields: Any) -> Rule:
    """Return a rule of that identifier."""
    defaults = {"message": "The query is built from the request.", "severity": Severity.HIGH, "cwe": ["CWE-89"]}
    defaults["category"] = "security"
    return Rule.objects.get_or_create(identifier=identifier, defaults={**defaults, **fields})[0]


def a_scan(project: Project | None = None, **fields: Any) -> Scan:
    """Return an ingested scan."""
    number = next(_numbers)
    values = {"branch": "main", "state": ScanState.INGESTED, "digest": number.to_bytes(32, "big")}
    return Scan.objects.create(project=project or a_project(), **{**values, **fields})


def a_finding(
    *, project: Project | None = None, rule: Rule | None = None, scan: Scan | None = None, **fields: Any
) -> Finding:
    """Return a finding, present on its scan's branch."""
    scan = scan or a_scan(project)
    rule = rule or a_rule()
    values = {
        "fingerprint": hashlib.blake2b(str(next(_numbers)).encode(), digest_size=16).digest(),
        "path": "app/orders.py",
        "start_line": 3,
        "end_line": 3,
        "start_column": 5,
        "end_column": 20,
        "revision": scan.revision,
        "message": rule.message,
        "severity": rule.severity,
        "created_at": timezone.now(),
        "is_production": True,
        "not_analysed": NotAnalysed.WAITING,
    }
    finding = Finding.objects.create(
        project=scan.project, rule=rule, first_scan=scan, last_scan=scan, **{**values, **fields}
    )
    Presence.objects.create(
        finding=finding,
        project=scan.project,
        ref=scan.ref,
        is_pull_request=bool(scan.pull_request_id),
        first_scan=scan,
        last_scan=scan,
        path=finding.path,
        start_line=finding.start_line,
        changed_at=timezone.now(),
    )
    return finding


def a_triage_import(**fields: Any) -> TriageImport:
    """Return an import of earlier decisions that was looked at and not applied; it holds none."""
    return TriageImport.objects.create(**{"file_name": "old.json", "created_by": "somebody", **fields})


def a_verdict(finding: Finding, value: str = "false_positive", **fields: Any) -> Verdict:
    """Return a verdict on a finding, shown in its columns as the service would."""
    recommendation = {"true_positive": "fix", "false_positive": "ignore", "unsure": "unsure"}[value]
    Finding.objects.filter(pk=finding.pk).update(
        recommendation=recommendation, verdict_confidence="medium", not_analysed=""
    )
    finding.refresh_from_db()
    values = {"confidence": "medium", "explanation": "The value is a constant.", "source": Source.BUILT_IN}
    return Verdict.objects.create(finding=finding, value=value, **{**values, **fields})


def a_webhook_endpoint(url: str = "https://hooks.acme.example/assistant", **fields: Any) -> WebhookEndpoint:
    """Return an endpoint that is told everything, added by nobody in particular."""
    values = {"kinds": list(CHOICES), "sealed_secret": Secrets(new_secret()).sealed(), "created_by": "Alice", **fields}
    return WebhookEndpoint.objects.create(url=url, **values)


def a_webhook_message(endpoint: WebhookEndpoint, kind: str = "budget.alert", **fields: Any) -> WebhookMessage:
    """Return a message that an endpoint took at once, unless the fields say otherwise."""
    uid = uuid.uuid4()
    data = {"month": "2026-11-01", "threshold": 80, "url": "https://assistant.example/orgs/acme/settings/usage/"}
    body = {
        "id": str(uid),
        "type": kind,
        "version": 1,
        "timestamp": "2026-11-22T04:00:00Z",
        "deployment": {"slug": "acme", "name": "Acme"},
        "data": data,
    }
    attempts = [{"at": "2026-11-22T04:00:01.000+00:00", "status": 204, "ms": 31, "error": "", "answer": ""}]
    values = {"state": "sent", "tries": 1, "attempts": attempts, "sent_at": timezone.now(), "body": body, **fields}
    return WebhookMessage.objects.create(endpoint=endpoint, uid=uid, kind=kind, **values)
