"""One organization sees nothing of another, whichever way it asks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import DataError, IntegrityError, ProgrammingError, connection, transaction

from findings.models import Finding, Note
from orgs.selectors import memberships_of
from tenancy.models import Organization, WrongOrganization
from tenancy.scope import NoOrganization, acting_for
from tests import factories


@pytest.fixture
def umbrella(charlie: User) -> Organization:
    return memberships_of(charlie.pk)[0].organization


def test_a_manager_refuses_to_answer_outside_a_scope(acme: Organization) -> None:
    with pytest.raises(NoOrganization):
        Finding.objects.count()


def test_a_row_of_another_organization_cannot_be_saved(acme: Organization, umbrella: Organization) -> None:
    with acting_for(umbrella.pk), pytest.raises(WrongOrganization):
        Note(organization=acme, text="x").save()


def test_sql_of_another_organization_finds_nothing(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk):
        factories.a_finding()

    with acting_for(umbrella.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM findings_finding")

        assert cursor.fetchone() == (0,)


def test_sql_outside_a_scope_fails_loudly(acme: Organization) -> None:
    with pytest.raises((DataError, ProgrammingError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM findings_finding")


def test_sql_cannot_write_for_another_organization(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()

    with (
        acting_for(umbrella.pk),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO findings_note (organization_id, finding_id, author, text, created_at)"
            " VALUES (%s, %s, 'x', 'x', now())",
            [acme.pk, finding.pk],
        )


def test_a_row_cannot_point_across_organizations(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk):
        finding = factories.a_finding()

    with (
        acting_for(umbrella.pk),
        pytest.raises(IntegrityError, match="same_organization"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO findings_note (organization_id, finding_id, author, text, created_at)"
            " VALUES (%s, %s, 'x', 'x', now())",
            [umbrella.pk, finding.pk],
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_scope_inside_is_undone_outside(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk):
        factories.a_finding()
        with acting_for(umbrella.pk):
            seen_inside = Finding.objects.count()

        assert (seen_inside, Finding.objects.count()) == (0, 1)


def test_the_application_role_owns_no_table_and_skips_no_policy(acme: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, EXISTS (SELECT 1 FROM pg_class WHERE relowner = r.oid)"
            " FROM pg_roles r WHERE rolname = current_user"
        )

        assert cursor.fetchone() == (False, False, False)
