"""Whose work it is follows the transaction: into savepoints, out of them again, and never into the next one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import deepcopy

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from findings.models import Finding
from tenancy.backend.base import DatabaseWrapper
from tenancy.directory import across_organizations
from tenancy.models import Organization
from tenancy.scope import NoOrganization, acting_for, organization_id_or_none
from tests import factories, servers

POOLED = "pooled"


class Unrelated(Exception):
    """Something went wrong that the database did not notice."""


@pytest.fixture
def umbrella(acme: Organization, alice: User) -> Organization:
    return factories.an_organization("umbrella", admin=alice)


@pytest.fixture
def pooled(committed: None) -> Iterator[DatabaseWrapper]:
    """A connection out of a pool of one, so that the next transaction has to use what the last one left."""
    settings = deepcopy(connections["default"].settings_dict)
    settings["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 1, "timeout": 10}
    wrapper = DatabaseWrapper(settings, POOLED)
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def what_is_set(wrapper: DatabaseWrapper) -> tuple[str, str]:
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.current_org', true), ''), current_user::text")
        organization, role = cursor.fetchone()
        return organization, role


def told() -> str:
    return what_is_set(connection)[0]  # type: ignore[arg-type]  # the proxy of the default connection


# --- Savepoints -------------------------------------------------------------------------------------------------------


def test_a_scope_inside_a_savepoint_that_fails_is_undone(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk), transaction.atomic():
        with suppress(Unrelated), transaction.atomic(), acting_for(umbrella.pk):
            raise Unrelated

        assert told() == str(acme.pk)


def test_a_savepoint_that_fails_inside_a_scope_leaves_the_scope(acme: Organization, umbrella: Organization) -> None:
    with acting_for(acme.pk), transaction.atomic(), acting_for(umbrella.pk):
        with suppress(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

        assert told() == str(umbrella.pk)


def test_a_failed_scope_is_left_when_the_savepoint_outside_is_rolled_back(
    acme: Organization, umbrella: Organization
) -> None:
    with acting_for(acme.pk), transaction.atomic():
        with suppress(DatabaseError), transaction.atomic(), acting_for(umbrella.pk), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

        assert told() == str(acme.pk)


def test_rolling_back_to_a_savepoint_of_another_scope_keeps_this_one(
    acme: Organization, umbrella: Organization
) -> None:
    with acting_for(acme.pk), transaction.atomic():
        with acting_for(umbrella.pk):
            savepoint = transaction.savepoint()
            with suppress(DatabaseError), connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        transaction.savepoint_rollback(savepoint)

        assert told() == str(acme.pk)


def test_rolling_back_inside_a_scope_entered_after_the_savepoint_keeps_it(
    acme: Organization, umbrella: Organization
) -> None:
    with acting_for(acme.pk), transaction.atomic():
        savepoint = transaction.savepoint()
        with acting_for(umbrella.pk):
            transaction.savepoint_rollback(savepoint)

            assert told() == str(umbrella.pk)


# --- The directory ----------------------------------------------------------------------------------------------------


def test_an_exception_in_the_directory_gives_the_role_back(acme: Organization) -> None:
    with transaction.atomic():
        with suppress(Unrelated), across_organizations():
            raise Unrelated

        assert what_is_set(connection)[1] == "assistant_app"  # type: ignore[arg-type]


def test_a_failed_statement_in_the_directory_gives_the_role_back(acme: Organization) -> None:
    with transaction.atomic():
        with suppress(DatabaseError), across_organizations(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

        assert what_is_set(connection)[1] == "assistant_app"  # type: ignore[arg-type]


def test_the_directory_within_the_directory_leaves_the_outer_one_in_force(acme: Organization) -> None:
    with across_organizations():
        with across_organizations():
            pass

        assert what_is_set(connection)[1] == "assistant_system"  # type: ignore[arg-type]


# --- Connections that are used again ----------------------------------------------------------------------------------


def test_nothing_is_left_on_a_connection_by_a_transaction_that_ended_well(pooled: DatabaseWrapper) -> None:
    with acting_for(7):
        pooled.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        during = what_is_set(pooled)
        pooled.commit()
        pooled.set_autocommit(True)
        pooled.close()

    assert (during, what_is_set(pooled)) == (("7", "assistant_app"), ("", "assistant_app"))


def test_nothing_is_left_on_a_connection_by_a_transaction_that_failed(pooled: DatabaseWrapper) -> None:
    with acting_for(7), suppress(DatabaseError):
        pooled.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        with pooled.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE assistant_system")
            cursor.execute("SELECT 1 / 0")
    pooled.close()  # handed back in the middle of the failed transaction

    assert what_is_set(pooled) == ("", "assistant_app")


def test_what_a_statement_set_for_the_session_is_gone_when_the_connection_is_used_again(
    pooled: DatabaseWrapper,
) -> None:
    with pooled.cursor() as cursor:
        cursor.execute("SET app.current_org = '7'")
        cursor.execute("SET ROLE assistant_system")
    pooled.close()

    assert what_is_set(pooled) == ("", "assistant_app")


def test_a_connection_that_broke_is_told_as_djangos_error(pooled: DatabaseWrapper) -> None:
    what_is_set(pooled)
    with psycopg.connect(os.environ[servers.ADMIN_URL], autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(%s)",
            [pooled.connection.info.backend_pid],
        )

    with acting_for(7), pytest.raises(OperationalError):
        pooled.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
    pooled.close_if_unusable_or_obsolete()

    assert what_is_set(pooled) == ("", "assistant_app")


def test_connections_that_a_restart_of_the_database_broke_are_not_handed_out(pooled: DatabaseWrapper) -> None:
    what_is_set(pooled)
    process = pooled.connection.info.backend_pid
    pooled.close()
    with psycopg.connect(os.environ[servers.ADMIN_URL], autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s)", [process])

    assert what_is_set(pooled) == ("", "assistant_app")


# --- Outside a transaction, and in other threads ----------------------------------------------------------------------


def test_rows_are_not_found_but_refused_outside_a_transaction(committed: None) -> None:
    organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))

    with acting_for(organization.pk), pytest.raises(DatabaseError):
        list(Finding.objects.all())


def test_a_server_side_cursor_is_refused_outside_a_transaction(committed: None) -> None:
    organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))

    with acting_for(organization.pk), pytest.raises(DatabaseError):
        list(Finding.objects.iterator(chunk_size=10))


def test_a_server_side_cursor_sees_the_organization_of_its_transaction(
    acme: Organization, umbrella: Organization
) -> None:
    with acting_for(umbrella.pk):
        factories.a_finding()
    with acting_for(acme.pk):
        own = factories.a_finding()

    with acting_for(acme.pk), transaction.atomic():
        assert [finding.pk for finding in Finding.objects.iterator(chunk_size=1)] == [own.pk]


def test_another_thread_acts_for_nobody(acme: Organization) -> None:
    with acting_for(acme.pk), ThreadPoolExecutor(1) as pool:
        assert pool.submit(organization_id_or_none).result() is None


def test_a_scope_in_one_thread_does_not_change_another(acme: Organization, umbrella: Organization) -> None:
    is_inside, may_go = threading.Event(), threading.Event()

    def act_for_umbrella() -> None:
        with acting_for(umbrella.pk):
            is_inside.set()
            may_go.wait(10)

    with acting_for(acme.pk), ThreadPoolExecutor(1) as pool:
        other = pool.submit(act_for_umbrella)
        is_inside.wait(10)
        seen = organization_id_or_none()
        may_go.set()
        other.result()

    assert seen == acme.pk


def test_a_scope_is_left_by_an_exception(acme: Organization) -> None:
    with suppress(Unrelated), acting_for(acme.pk):
        raise Unrelated

    with pytest.raises(NoOrganization):
        Finding.objects.all()
