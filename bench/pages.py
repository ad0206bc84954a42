"""The findings page of an organization with a million findings: its first page and its thousandth."""

from __future__ import annotations

import time
from typing import Any

from bench.measure import summary
from bench.platform import new_organization

ROWS = 1_000_000
RUNS = 7
TARGET_CPU_MS = 20.0

# Severities, states and verdicts in proportions as reports have them; one row in six is nobody's business any more.
FILL = """
INSERT INTO findings_finding (
    organization_id, project_id, rule_id, fingerprint, code_key, product, path, start_line, start_column, end_line,
    end_column, revision, message, severity, matched_lines, rule_fix, trace, details, scanner_fingerprint,
    first_scan_id, last_scan_id, created_at, updated_at, is_present, is_production, triage, triage_source,
    triage_change, ignore_reason, triage_comment, triaged_by, recommendation, verdict_confidence, not_analysed,
    not_analysed_detail, component_tag, component_risk, has_verified_fix, fix_confidence, has_code, is_removed)
SELECT %(org)s, %(project)s, %(first_rule)s + n %% %(rules)s, decode(lpad(to_hex(n), 32, '0'), 'hex'), '', 'code',
    'src/part_' || n %% 300 || '/module_' || n / 7 || '.py', 1 + n %% 900, 5, 1 + n %% 900, 60,
    'main', 'What a visitor sends reaches a place where it is taken for code. Check it first.', 1 + (n * 7) %% 4,
    '    answer = run(request.value)', '', '[]', '{}', '', %(scan)s, %(scan)s, now(), now(), n %% 12 <> 0,
    n %% 3 <> 0, CASE WHEN n %% 13 = 0 THEN 'ignored' ELSE 'open' END,
    CASE WHEN n %% 13 = 0 THEN 'person' ELSE '' END, 0, CASE WHEN n %% 13 = 0 THEN 'no_time' ELSE '' END, '', '',
    (ARRAY['fix', 'ignore', 'unsure', ''])[1 + n %% 4], CASE WHEN n %% 4 = 3 THEN '' ELSE 'medium' END,
    CASE WHEN n %% 4 = 3 THEN 'severity' ELSE '' END, '', 'API', 'neutral', false, '', true, false
  FROM generate_series(1, %(rows)s) AS n
"""


def bench() -> dict[str, Any]:
    """Fill the tables and ask the real page, as a person who is signed in."""
    from django.db import connection, connections, transaction  # noqa: PLC0415  (Django is loaded by then)
    from django.test import Client  # noqa: PLC0415

    import orgs.selectors  # noqa: PLC0415
    from orgs.models import Membership  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = new_organization()
    with acting_for(organization.pk):
        began = time.perf_counter()
        fill()
        filled = time.perf_counter() - began
        with transaction.atomic():
            admin = Membership.objects.select_related("user").get().user
            assert orgs.selectors.memberships_of(admin.pk)
        after = _cursor_of_page(1000)
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) findings_finding")
    client = Client()
    client.force_login(admin)
    address = f"/orgs/{organization.slug}/findings/"
    pages = {"first": address, "thousandth": f"{address}?after={after}"}
    figures = {name: _page(client, page, connection) for name, page in pages.items()}
    with acting_for(organization.pk):
        program = Client(headers={"authorization": f"Bearer {_token(admin)}"})
    of_api = _addresses_of_api(organization.slug, after)
    figures |= {name: _page(program, page, connection) for name, page in of_api.items()}
    return {"rows": ROWS, "fill_seconds": round(filled, 1), "target_cpu_ms": TARGET_CPU_MS, **figures}


def fill(statement: str = FILL) -> None:
    """Fill the table of findings of a project of its own, by this statement."""
    from django.db import connection, transaction  # noqa: PLC0415

    from findings.models import Scan, ScanState  # noqa: PLC0415
    from orgs.models import Project  # noqa: PLC0415
    from rules.models import Rule  # noqa: PLC0415

    with transaction.atomic():
        project = Project.objects.create(name="bench", primary_branch="main")
        Project.objects.bulk_create([Project(name=f"bench-{n}", primary_branch="main") for n in range(99)])
        scan = Scan.objects.create(project=project, branch="main", state=ScanState.SETTLED, digest=b"0" * 32)
        rules = Rule.objects.bulk_create([Rule(identifier=f"rules.security.number-{n}") for n in range(200)])
        with connection.cursor() as cursor:
            cursor.execute(
                statement,
                {
                    "org": project.organization_id,
                    "project": project.pk,
                    "scan": scan.pk,
                    "first_rule": rules[0].pk,
                    "rules": len(rules),
                    "rows": ROWS,
                },
            )


def _cursor_of_page(number: int) -> str:
    from django.db import transaction  # noqa: PLC0415

    from findings.listing import PAGE_SIZE, Cursor, FindingFilter, matching  # noqa: PLC0415
    from orgs.models import Membership  # noqa: PLC0415
    from orgs.permissions import Role  # noqa: PLC0415

    with transaction.atomic():
        row = matching(FindingFilter(), viewer=Membership(role=Role.ADMIN)).order_by("-severity", "-pk")[
            PAGE_SIZE * (number - 1) - 1
        ]
    return str(Cursor.of(row))


def _token(admin: Any) -> str:
    import orgs.services  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from orgs.permissions import Scope  # noqa: PLC0415

    return orgs.services.create_token(name="bench", scopes=[Scope.API_READ], created_by=admin, actor=SYSTEM)[1]


def _addresses_of_api(slug: str, after: str) -> dict[str, str]:
    from assistant_platform.api.paging import Position  # noqa: PLC0415

    position = Position(is_before=False, values=tuple(int(part) for part in after.split("-")))
    address = f"/api/v1/deployments/{slug}/findings"
    return {
        "api_first_100": address,
        "api_thousandth_100": f"{address}?cursor={position}",
        "api_first_3000": f"{address}?page_size=3000",
        "api_by_category": f"{address}?categories=none",
    }


def _page(client: Any, address: str, connection: Any) -> dict[str, Any]:
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    with CaptureQueriesContext(connection) as queries:
        client.get(address)  # the first one pays for templates
    asked = len(queries)  # with BEGIN and what else a transaction says; forgotten with the next request
    cpu, wall = [], []
    for _ in range(RUNS):
        cpu_began, began = time.process_time(), time.perf_counter()
        answer = client.get(address)
        cpu.append((time.process_time() - cpu_began) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.status_code
    return {
        "cpu_ms": summary(cpu, digits=1),
        "wall_ms": summary(wall, digits=1),
        "queries": asked,
        "kilobytes": round(len(answer.content) / 1024),
    }
