"""How far the directory reaches: who belongs to what, and which work waits. No further."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction

from events.models import Job
from notifications.models import SlackWorkspace
from orgs.models import ApiToken, Invitation, Membership, SignOn, SignOnDomain
from providers.models import Reservation
from scm.models import CodeHost
from tenancy.directory import across_organizations, organization_by_slug
from tenancy.models import Organization, OwnedByOrganization
from tenancy.scope import acting_for
from tests import factories

OF_THE_DIRECTORY = {Membership, ApiToken, Invitation, Job, Reservation, SignOn, SignOnDomain, CodeHost, SlackWorkspace}
TABLES_OF_TENANTS = sorted(
    model._meta.db_table
    for model in apps.get_models()
    if issubclass(model, OwnedByOrganization) and model not in OF_THE_DIRECTORY
)


@pytest.mark.parametrize("table", TABLES_OF_TENANTS)
def test_the_directory_may_not_ask_for_a_tenants_rows(acme: Organization, table: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        across_organizations(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT 1 FROM {table}")


@pytest.mark.parametrize(
    "table", ["auth_user", "orgs_membership", "orgs_apitoken", "orgs_invitation", "tenancy_organization"]
)
def test_the_directory_may_not_change_who_belongs_to_what(acme: Organization, table: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        across_organizations(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DELETE FROM {table}")


def test_the_directory_may_not_read_sessions(acme: Organization) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        across_organizations(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT session_key FROM django_session")


def test_the_directory_does_not_read_findings_of_the_organization_in_scope_either(in_acme: Organization) -> None:
    finding = factories.a_finding()

    with pytest.raises(ProgrammingError, match="permission denied"), across_organizations():
        finding.refresh_from_db()


def test_an_organization_is_found_by_its_slug(acme: Organization) -> None:
    assert (organization_by_slug("acme"), organization_by_slug("nobody")) == (acme, None)


def test_an_organization_cannot_be_read_in_the_scope_of_another(acme: Organization, charlie: User) -> None:
    with acting_for(acme.pk), transaction.atomic():
        seen = list(Organization.objects.values_list("slug", flat=True))

    assert seen == ["acme"]
