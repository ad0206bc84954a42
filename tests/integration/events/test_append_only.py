"""The log of what happened grows, and nothing in it changes: PostgreSQL itself refuses the application."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from events.kinds import SCANNER, SYSTEM, Kind
from events.models import Event
from events.services import record
from tenancy.models import Organization


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events_event SET actor_name = 'somebody else'",
        "DELETE FROM events_event",
        "TRUNCATE events_event",
        "SELECT 1 FROM events_event FOR UPDATE",
    ],
)
def test_the_application_changes_and_removes_no_event(statement: str, in_acme: Organization) -> None:
    event = record(Kind.PROJECT_CREATED, actor=SYSTEM, project="shop")

    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Event.objects.get(pk=event.pk).actor_name == "System"


def test_what_the_product_does_by_itself_is_not_in_the_audit_log(in_acme: Organization) -> None:
    done = record(Kind.VERDICT_REACHED, actor=SYSTEM, finding_id=1)
    suppressed = record(Kind.FINDING_IGNORED, actor=SCANNER, finding_id=1)
    decided = record(Kind.FINDING_IGNORED, actor=SYSTEM, finding_id=1)
    failed = record(Kind.SCAN_FAILED, actor=SCANNER, scan_id=1)

    assert [event.is_audit for event in (done, suppressed, decided, failed)] == [False, False, True, True]
