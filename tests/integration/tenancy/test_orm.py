"""Whichever way the ORM is asked, it sees and changes one organization's rows."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Count, F, Max, OuterRef, Prefetch, Subquery

from findings.models import Finding, Note, Presence, Scan
from orgs.models import Project
from rules.models import Rule
from tenancy.models import Organization, WrongOrganization
from tenancy.scope import acting_for
from tests import factories


@pytest.fixture
def theirs(acme: Organization, alice: User) -> Finding:
    """A finding of another organization of the same person."""
    umbrella = factories.an_organization("umbrella", admin=alice)
    with acting_for(umbrella.pk):
        finding = factories.a_finding(message="theirs")
        Note.objects.create(finding=finding, author="x", text="theirs")
    return finding


@pytest.fixture
def ours(theirs: Finding, acme: Organization) -> Finding:
    with acting_for(acme.pk):
        return factories.a_finding(message="ours")


def test_a_row_in_hand_gives_nothing_more_away_in_another_scope(ours: Finding, theirs: Finding) -> None:
    with acting_for(ours.organization_id):
        assert list(theirs.notes.all()) == []
        assert list(theirs.presences.all()) == []
        assert list(theirs.project.findings.all()) == []


def test_a_row_in_hand_is_not_read_again_in_another_scope(ours: Finding, theirs: Finding) -> None:
    with acting_for(ours.organization_id), pytest.raises(Finding.DoesNotExist):
        theirs.refresh_from_db()


def test_a_row_in_hand_does_not_lead_to_its_relations_in_another_scope(ours: Finding, theirs: Finding) -> None:
    finding = Finding(organization_id=ours.organization_id, rule_id=theirs.rule_id, project_id=theirs.project_id)

    with acting_for(ours.organization_id):
        with pytest.raises(Rule.DoesNotExist):
            _ = finding.rule
        with pytest.raises(Project.DoesNotExist):
            _ = finding.project


def test_a_row_in_hand_is_neither_saved_nor_deleted_in_another_scope(ours: Finding, theirs: Finding) -> None:
    with acting_for(ours.organization_id):
        with pytest.raises(WrongOrganization):
            theirs.save()
        theirs.notes.all().delete()
        Note._base_manager.filter(finding_id=theirs.pk).delete()

    with acting_for(theirs.organization_id):
        assert Note.objects.count() == 1


@pytest.mark.parametrize("manager", ["objects", "every_organization", "_base_manager", "_default_manager"])
def test_no_manager_sees_further_than_the_scope(ours: Finding, theirs: Finding, manager: str) -> None:
    with acting_for(ours.organization_id):
        assert [finding.pk for finding in getattr(Finding, manager).all()] == [ours.pk]


def test_joins_prefetches_and_subqueries_stay_within(ours: Finding, theirs: Finding) -> None:
    newest = Note._base_manager.filter(text="theirs").order_by("-pk").values("text")[:1]

    with acting_for(ours.organization_id):
        found = (
            Finding.every_organization.select_related("project", "rule", "first_scan")
            .prefetch_related("notes", Prefetch("presences", queryset=Presence._base_manager.all()))
            .annotate(number=Count("notes"), text=Subquery(newest), latest=Max("project__scans__pk"))
        )

        assert [(entry.pk, entry.number, entry.text) for entry in found] == [(ours.pk, 0, None)]


def test_unions_and_raw_sql_stay_within(ours: Finding, theirs: Finding) -> None:
    with acting_for(ours.organization_id):
        both = Finding._base_manager.filter(pk=ours.pk).union(Finding._base_manager.filter(pk=theirs.pk))

        assert [entry.pk for entry in both] == [ours.pk]
        assert [entry.pk for entry in Finding._base_manager.raw("SELECT * FROM findings_finding")] == [ours.pk]


def test_an_update_changes_no_row_of_another_organization(ours: Finding, theirs: Finding) -> None:
    with acting_for(ours.organization_id):
        changed = Finding._base_manager.update(message="changed", start_column=F("start_column") + 1)

    assert changed == 1
    with acting_for(theirs.organization_id):
        assert Finding.objects.get().message == "theirs"


def test_a_row_is_not_given_to_another_organization(ours: Finding, theirs: Finding) -> None:
    with (
        acting_for(ours.organization_id),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Finding.objects.update(organization_id=theirs.organization_id)


@pytest.mark.parametrize("how", ["objects", "_base_manager"])
def test_many_rows_are_not_written_for_another_organization(ours: Finding, theirs: Finding, how: str) -> None:
    note = Note(organization_id=theirs.organization_id, finding_id=theirs.pk, text="planted")

    with (
        acting_for(ours.organization_id),
        pytest.raises((WrongOrganization, ProgrammingError)),
        transaction.atomic(),
    ):
        getattr(Note, how).bulk_create([note])


def test_many_rows_are_not_changed_for_another_organization(ours: Finding, theirs: Finding) -> None:
    theirs.message = "changed"

    with acting_for(ours.organization_id):
        Finding._base_manager.bulk_update([theirs], ["message"])

    with acting_for(theirs.organization_id):
        assert Finding.objects.get().message == "theirs"


def test_a_row_of_ours_does_not_point_to_one_of_theirs(ours: Finding, theirs: Finding) -> None:
    with (
        acting_for(ours.organization_id),
        pytest.raises(IntegrityError, match="same_organization"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        Note.objects.create(finding_id=theirs.pk, text="planted")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_a_conflict_with_a_row_of_theirs_does_not_change_it(ours: Finding, theirs: Finding) -> None:
    with (
        acting_for(ours.organization_id),
        pytest.raises(DatabaseError, match=r"row-level security|duplicate key"),
        transaction.atomic(),
    ):
        Scan._base_manager.bulk_create(
            [Scan(pk=theirs.first_scan_id, project_id=ours.project_id, digest=b"x", branch="planted")],
            update_conflicts=True,
            unique_fields=["id"],
            update_fields=["branch"],
        )

    with acting_for(theirs.organization_id):
        assert Scan.objects.get().branch == "main"


def test_an_outer_row_of_theirs_is_no_way_in(ours: Finding, theirs: Finding) -> None:
    inner = Finding._base_manager.filter(pk=OuterRef("pk"))

    with acting_for(ours.organization_id):
        found = Presence._base_manager.annotate(message=Subquery(inner.values("message")[:1]))

        assert found.count() == 1
