"""Every table and every caller is looked at, so that what is added tomorrow is fenced too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, models

from tenancy.models import Organization, OwnedByOrganization, OwnedManager

ROOT = Path(__file__).resolve().parents[3]
OWN_APPS = {
    "tenancy", "events", "orgs", "scm", "providers", "rules", "findings", "memories", "triage", "remediation",
    "notifications", "assistant_platform",
}  # fmt: skip
MODELS_OF_TENANTS = [model for model in apps.get_models() if issubclass(model, OwnedByOrganization)]
LINKS = [
    (model, field)
    for model in MODELS_OF_TENANTS
    for field in model._meta.get_fields()
    if isinstance(field, models.ForeignKey) and issubclass(field.related_model, OwnedByOrganization)
]

# Whoever sees more than one organization, and why.
MAY_CROSS = {
    "tenancy/directory.py": "the directory itself",
    "tenancy/models.py": "defines the manager",
    "orgs/selectors.py": "whose a token and a membership is",
    "orgs/services.py": "makes an organization",
    "events/tasks.py": "sends and claims everybody's Jobs",
    "events/leases.py": "keeps the Jobs of this process",
}


def test_every_model_of_ours_belongs_to_an_organization() -> None:
    others = {
        model for model in apps.get_models() if model._meta.app_label in OWN_APPS and model not in MODELS_OF_TENANTS
    }

    assert others == {Organization}


@pytest.mark.parametrize("model", MODELS_OF_TENANTS)
def test_a_tenants_model_is_asked_through_the_scope_by_default(model: type[OwnedByOrganization]) -> None:
    assert isinstance(model._default_manager, OwnedManager)


@pytest.mark.parametrize("model", MODELS_OF_TENANTS)
def test_a_tenants_table_is_fenced(db: None, model: type[OwnedByOrganization]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity, (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid"
            " AND 'assistant_app'::regrole = ANY(p.polroles) AND p.polcmd = '*'"
            " AND pg_get_expr(polqual, polrelid) LIKE '%%current_setting(''app.current_org''%%'"
            " AND pg_get_expr(polwithcheck, polrelid) LIKE '%%current_setting(''app.current_org''%%')"
            " FROM pg_class c WHERE c.oid = %s::regclass",
            [model._meta.db_table],
        )

        assert cursor.fetchone() == (True, 1)


@pytest.mark.parametrize(("model", "field"), LINKS)
def test_a_row_cannot_point_into_another_organization(
    db: None, model: type[OwnedByOrganization], field: models.ForeignKey[models.Model, models.Model]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT array_agg(array_to_string(ARRAY(SELECT attname FROM pg_attribute a"
            " WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)), ',')) FROM pg_constraint c"
            " WHERE c.conrelid = %s::regclass AND c.contype = 'f' AND cardinality(c.conkey) = 2",
            [model._meta.db_table],
        )
        pairs = {frozenset(pair.split(",")) for pair in cursor.fetchone()[0] or []}

    assert frozenset({"organization_id", field.column}) in pairs


def test_only_the_listed_modules_see_more_than_one_organization() -> None:
    crossing = re.compile(r"\b(across_organizations|every_organization)\b")

    found = {
        str(path.relative_to(ROOT))
        for app in (*OWN_APPS, "lib")
        for path in (ROOT / app).rglob("*.py")
        if crossing.search(path.read_text(encoding="utf-8"))
    }

    assert found == set(MAY_CROSS)
