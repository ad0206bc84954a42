"""Sealing anew what was sealed with a key that is to go: every column named `sealed_…`, of every organization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.conf import settings
from django.db import models, transaction

from lib.crypto import CannotDecrypt, Sealer
from tenancy.directory import organization_ids
from tenancy.models import OwnedByOrganization
from tenancy.scope import acting_for

SEALED = "sealed_"
ROWS_AT_ONCE = 200


@dataclass
class Rotation:
    """What was found: how many secrets were sealed anew or were already, and which could not be opened."""

    resealed: int = 0
    already: int = 0
    unopened: list[str] = field(default_factory=list)


def sealed_columns() -> list[tuple[type[OwnedByOrganization], str]]:
    """Return every column that holds sealed secrets, with its model."""
    return [
        (model, column.name)
        for model in apps.get_models()
        if issubclass(model, OwnedByOrganization)
        for column in model._meta.get_fields()
        if isinstance(column, models.Field) and column.name.startswith(SEALED)
    ]


def rotate_keys() -> Rotation:
    """Seal every secret with the first of FIELD_ENCRYPTION_KEYS; one that cannot be opened is left as it is.

    Safe to run twice, and while the platform works: a secret saved meanwhile is not touched.
    """
    found = Rotation()
    for organization_id in organization_ids():
        with acting_for(organization_id):
            for model, column in sealed_columns():
                _rotate_column(model, column, found)
    return found


def unopened_secrets() -> list[str]:
    """Return the secrets that none of the configured keys opens, as people find them."""
    sealer = Sealer(settings.FIELD_ENCRYPTION_KEYS)
    found = []
    for organization_id in organization_ids():
        with acting_for(organization_id):
            for model, column in sealed_columns():
                for batch in _batches(model, column):
                    found += [
                        _named(model, organization_id, pk) for pk, sealed in batch if not _can_open(sealer, sealed)
                    ]
    return found


def _rotate_column(model: type[OwnedByOrganization], column: str, found: Rotation) -> None:
    newest, all_keys = Sealer(settings.FIELD_ENCRYPTION_KEYS[:1]), Sealer(settings.FIELD_ENCRYPTION_KEYS)
    for batch in _batches(model, column):
        for pk, sealed in batch:
            if _can_open(newest, sealed):
                found.already += 1
                continue
            with transaction.atomic():
                row = model.objects.select_for_update().filter(pk=pk, **{column: sealed})
                if not row.exists():
                    continue  # saved meanwhile, so with the newest key
                try:
                    model.objects.filter(pk=pk).update(**{column: all_keys.reseal(sealed)})
                except CannotDecrypt:
                    found.unopened.append(_named(model, row.get().organization_id, pk))
                else:
                    found.resealed += 1


def _batches(model: type[OwnedByOrganization], column: str) -> Iterator[list[tuple[int, str]]]:
    last = 0
    while True:
        with transaction.atomic():
            rows = model.objects.filter(pk__gt=last).exclude(**{column: ""}).order_by("pk")
            batch: list[tuple[int, str]] = list(rows.values_list("pk", column)[:ROWS_AT_ONCE])
        if not batch:
            return
        yield batch
        last = batch[-1][0]


def _can_open(sealer: Sealer, sealed: str) -> bool:
    try:
        sealer.open(sealed)
    except CannotDecrypt:
        return False
    return True


def _named(model: type[OwnedByOrganization], organization_id: int, pk: int) -> str:
    return f"{model._meta.verbose_name} {pk} of organization {organization_id}"
