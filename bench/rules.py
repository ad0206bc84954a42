"""What rules cost: importing and checking 2,000 of them, and their page with 5,000 and 250,000 findings."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from bench.measure import seconds_of, summary
from bench.pages import FILL
from bench.platform import new_organization

IMPORTED = 2_000
BROKEN = (137, 1_444)
LISTED = 5_000
FINDINGS = 250_000
RUNS = 5
TARGET_CHECK_SECONDS = 60.0
TARGET_PAGE_SECONDS = 0.2


def bench() -> dict[str, Any]:
    """Import through the service, have the real engine check, and ask for the real pages."""
    return {"import": _import(), "page": _pages()}


def _import() -> dict[str, Any]:
    from django.db import transaction  # noqa: PLC0415  (Django is loaded by then)

    import rules.services  # noqa: PLC0415
    from events.kinds import SYSTEM  # noqa: PLC0415
    from rules.models import Rule  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    text = "rules:\n" + "".join(_rule(number) for number in range(IMPORTED))
    with acting_for(new_organization().pk):
        imported = seconds_of(
            lambda: rules.services.import_rules(source="bench", files=[("rules.yaml", text)], actor=SYSTEM)
        )
        again = seconds_of(
            lambda: rules.services.import_rules(source="bench", files=[("rules.yaml", text)], actor=SYSTEM)
        )
        checked = seconds_of(rules.services.check_texts)
        with transaction.atomic():
            delivered = Rule.objects.exclude(delivered="").count()
            refused = Rule.objects.exclude(objection="").count()
    return {
        "rules": IMPORTED,
        "import_seconds": round(imported, 2),
        "import_again_seconds": round(again, 2),
        "engine_check_seconds": round(checked, 1),
        "target_check_seconds": TARGET_CHECK_SECONDS,
        "delivered": delivered,
        "refused": refused,
    }


def _rule(number: int) -> str:
    pattern = f"call_{number}((($X, ...)" if number in BROKEN else f"call_{number}($X, ...)"
    return f"""- id: bench.rule-{number}
  languages: [python]
  severity: WARNING
  message: >-
    {"A rule of the usual size says what is wrong, why, and what to do. " * 4}
  metadata:
    category: security
    cwe: ["CWE-79: Cross-site Scripting"]
    owasp: ["A03:2021 - Injection"]
    confidence: HIGH
    references: ["https://example.org/{number}"]
  mode: taint
  pattern-sources:
    - pattern: flask.request.args.get(...)
    - pattern: flask.request.form[...]
  pattern-sanitizers:
    - pattern: escape_{number}(...)
  pattern-sinks:
    - patterns:
        - pattern: {pattern}
        - pattern-not: call_{number}("...", ...)
"""


def _pages() -> dict[str, Any]:
    from django.core.cache import cache  # noqa: PLC0415  (Django is loaded by then)
    from django.db import connections, transaction  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    from orgs.models import Membership  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = new_organization()
    with acting_for(organization.pk), transaction.atomic():
        _fill()
        admin = Membership.objects.select_related("user").get().user
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) findings_finding")
        cursor.execute("VACUUM (ANALYZE) rules_rule")
    client = Client()
    client.force_login(admin)
    address = f"/orgs/{organization.slug}/rules/"
    queries = {
        "first": "",
        "middle": "?after=rules.security.number-3000",
        "filtered": "?mode=monitor&severity=medium&q=number-12",
        "min_open": "?min_open=40",
    }

    def ask(query: str) -> None:
        answer = client.get(address + query)
        assert answer.status_code == 200, answer.content

    ask("")
    cache.clear()
    cold = seconds_of(lambda: ask("?min_open=40"))
    figures = {
        name: summary([seconds_of(partial(ask, query)) for _ in range(RUNS)], digits=4)
        for name, query in queries.items()
    }
    began = time.perf_counter()
    answer = client.post(f"{address}modes/", {"scope": "all", "to": "block"})
    preview = time.perf_counter() - began
    assert answer.status_code == 200, answer.content
    return {
        "rules": LISTED,
        "findings": FINDINGS,
        "seconds": figures,
        "min_open_uncached_seconds": round(cold, 3),
        "preview_of_all_seconds": round(preview, 3),
        "target_seconds": TARGET_PAGE_SECONDS,
    }


def _fill() -> None:
    from django.db import connection  # noqa: PLC0415  (Django is loaded by then)

    from findings.models import Scan, ScanState  # noqa: PLC0415
    from orgs.models import Project  # noqa: PLC0415
    from rules.models import Rule  # noqa: PLC0415

    project = Project.objects.create(name="bench", primary_branch="main")
    scan = Scan.objects.create(project=project, branch="main", state=ScanState.SETTLED, digest=b"1" * 32)
    made = Rule.objects.bulk_create(
        [
            Rule(identifier=f"rules.security.number-{n}", languages=["python"], yaml="x" * 1500, delivered="{" * 1500)
            for n in range(LISTED)
        ],
        batch_size=1000,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            FILL,
            {
                "org": project.organization_id,
                "project": project.pk,
                "scan": scan.pk,
                "first_rule": made[0].pk,
                "rules": LISTED,
                "rows": FINDINGS,
            },
        )
