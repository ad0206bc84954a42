"""The dashboard of an organization with a million findings, and choosing its week's tasks out of them."""

from __future__ import annotations

import time
from typing import Any

from bench.measure import seconds_of, summary
from bench.pages import FILL, fill
from bench.platform import new_organization

RUNS = 5
TARGET_PAGE_MS = 300.0
TARGET_CHOOSING_SECONDS = 1.0

# Opened over a year, in a hundred projects; on the primary branch a place for each, as fixed as the finding says.
SPREAD = FILL.replace("%(project)s", "%(project)s + n %% 100").replace(
    "%(scan)s, now(), now(), n", "%(scan)s, now() - (n %% 365) * interval '1 day', now(), n"
)
PRESENCES = """
INSERT INTO findings_presence (organization_id, finding_id, project_id, ref, is_pull_request, state, first_scan_id,
    last_scan_id, path, start_line, changed_at, held_back)
SELECT organization_id, id, project_id, 'main', false, CASE WHEN is_present THEN 'present' ELSE 'fixed' END,
    first_scan_id, last_scan_id, path, start_line,
    CASE WHEN is_present THEN created_at ELSE now() - (id % 200) * interval '1 day' END, false FROM findings_finding
"""


def bench() -> dict[str, Any]:
    """Fill the tables, count the days, choose the tasks, and ask the page with a cold and with a warm cache."""
    from django.core.cache import cache  # noqa: PLC0415  (Django is loaded by then)
    from django.db import connections, transaction  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    import triage.weeks  # noqa: PLC0415
    from findings import history  # noqa: PLC0415
    from orgs.models import Membership  # noqa: PLC0415
    from tenancy.scope import acting_for  # noqa: PLC0415

    organization = new_organization()
    with acting_for(organization.pk):
        with transaction.atomic():
            admin = Membership.objects.select_related("user").get().user
        fill(SPREAD)
    with connections["owner"].cursor() as cursor:
        cursor.execute(PRESENCES)
        cursor.execute("VACUUM (ANALYZE) findings_finding, findings_presence")
    with acting_for(organization.pk):
        counting = seconds_of(lambda: history.count_days(now=timezone.now()))
        with connections["owner"].cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) findings_daycount")

        def ranked() -> None:
            with transaction.atomic():
                triage.weeks.candidates(now=timezone.now())

        ranking = summary([seconds_of(ranked) for _ in range(RUNS)])
        triage.weeks.choose_week(organization=organization, now=timezone.now())
    client = Client()
    client.force_login(admin)
    pages = {}
    for days in (30, 90, 365):
        address = f"/orgs/{organization.slug}/dashboard/?days={days}"
        cold, warm = [], []
        for _ in range(RUNS):
            cache.clear()
            client.force_login(admin)
            cold.append(_asked(client, address))
            warm.append(_asked(client, address))
        pages[f"{days} days"] = {"cold_ms": summary(cold, digits=1), "warm_ms": summary(warm, digits=1)}
    return {
        "counting_a_year_seconds": round(counting, 2),
        "ranking_seconds": ranking,
        "target_ranking_seconds": TARGET_CHOOSING_SECONDS,
        "page": pages,
        "target_page_ms": TARGET_PAGE_MS,
    }


def _asked(client: Any, address: str) -> float:
    began = time.perf_counter()
    response = client.get(address)
    assert response.status_code == 200
    return (time.perf_counter() - began) * 1000
