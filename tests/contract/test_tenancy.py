"""Every tenant's table is fenced in PostgreSQL itself, and only the directory looks across organizations."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, models

from tenancy.models import OwnedByOrganization

ROOT = Path(settings.BASE_DIR)
OWNED = [model for model in apps.get_models() if issubclass(model, OwnedByOrganization)]
POINTERS = [
    (model, field)
    for model in OWNED
    for field in model._meta.get_fields()
    if isinstance(field, models.ForeignKey) and issubclass(field.related_model, OwnedByOrganization)
]
# Modules that may look across organizations, each with the reason.
MAY_LOOK_ACROSS = {
    "tenancy/directory.py": "it is the directory",
    "tenancy/models.py": "it defines the manager",
    "events/tasks.py": "takes the next Jobs of all organizations, fairly",
    "events/draining.py": "runs the due Jobs of all organizations, for the command line and the tests",
    "events/leases.py": "renews the leases of the Jobs that this process works on, whosever they are",
    "orgs/selectors.py": "finds a person's memberships, and whose a token is",
    "orgs/services.py": "makes an organization",
    "orgs/sign_on/selectors.py": "finds whose an e-mail domain and an identity provider are",
    "scm/directory.py": "finds whose a webhook is",
    "notifications/slack/directory.py": "finds who has connected a Slack workspace",
    "providers/budget.py": "finds whose requests held money for too long",
}
# Tables of which the directory's role may see rows of more than one organization.
SEEN_BY_DIRECTORY = {
    "events_job",
    "orgs_apitoken",
    "orgs_invitation",
    "orgs_membership",
    "orgs_signon",
    "orgs_signondomain",
    "providers_reservation",
    "notifications_slackworkspace",
    "scm_codehost",
    "tenancy_organization",
}
COMPARES = "(organization_id = (current_setting('app.current_org'::text))::bigint)"


@pytest.fixture
def policies(db: None) -> dict[str, list[tuple[str, str, str, str]]]:
    """Return each table's policies as (role, command, rows seen, rows written)."""
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tablename, array_to_string(roles, ','), cmd, coalesce(qual, ''), coalesce(with_check, '')"
            " FROM pg_policies WHERE schemaname = 'public'"
        )
        for table, *policy in cursor.fetchall():
            found.setdefault(table, []).append(tuple(policy))
    return found


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_a_tenants_table_has_row_level_security(model: type[models.Model], db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])

        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_the_application_sees_and_writes_one_organizations_rows(
    model: type[models.Model], policies: dict[str, list[tuple[str, str, str, str]]]
) -> None:
    own = [policy for policy in policies[model._meta.db_table] if policy[0] == settings.DATABASE_APP_ROLE]

    assert own == [(settings.DATABASE_APP_ROLE, "ALL", COMPARES, COMPARES)]


def test_the_directory_sees_only_the_tables_it_needs(policies: dict[str, list[tuple[str, str, str, str]]]) -> None:
    seen = {
        table for table, entries in policies.items() for role, *_ in entries if role == settings.DATABASE_SYSTEM_ROLE
    }

    assert seen == SEEN_BY_DIRECTORY


def test_no_other_role_has_a_policy(policies: dict[str, list[tuple[str, str, str, str]]]) -> None:
    roles = {role for entries in policies.values() for role, *_ in entries}

    assert roles == {settings.DATABASE_APP_ROLE, settings.DATABASE_SYSTEM_ROLE}


@pytest.mark.parametrize(
    ("model", "field"), POINTERS, ids=lambda part: getattr(part, "__name__", getattr(part, "name", ""))
)
def test_a_row_points_only_within_its_organization(
    model: type[models.Model], field: models.ForeignKey[models.Model, models.Model], db: None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT array_agg(attname::text ORDER BY attname) FROM pg_attribute"
            "         WHERE attrelid = conrelid AND attnum = ANY (conkey)), condeferrable"
            " FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass AND confrelid = %s::regclass",
            [model._meta.db_table, field.related_model._meta.db_table],
        )
        keys = cursor.fetchall()

    assert (sorted(["organization_id", field.column]), True) in keys


def test_every_table_with_an_organization_is_a_tenants(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'organization_id'"
        )
        tables = {row[0] for row in cursor.fetchall()}

    assert tables == {model._meta.db_table for model in OWNED}


def test_only_listed_modules_look_across_organizations() -> None:
    skipped = {"tests", ".venv", "node_modules", "demo"}
    found = set()
    for path in ROOT.glob("*/**/*.py"):
        place = path.relative_to(ROOT)
        if place.parts[0] in skipped or "migrations" in place.parts:
            continue
        names = {getattr(node, "id", getattr(node, "attr", "")) for node in ast.walk(ast.parse(path.read_text()))}
        if names & {"every_organization", "across_organizations"}:
            found.add(place.as_posix())

    assert found == set(MAY_LOOK_ACROSS)
