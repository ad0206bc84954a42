"""Changing how an organization reaches its AI provider: proved first, outside any transaction, and then written.

What proves may take LONGEST_PROOF_SECONDS; until a new connection has proved itself the old one stays in force.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from events.kinds import SYSTEM, Actor, Kind
from events.models import Event
from events.services import record
from lib.crypto import CannotDecrypt
from providers import selectors
from providers.adapters.base import ProviderError
from providers.adapters.unusable import CANNOT_BE_OPENED
from providers.drafts import MODEL, ConnectionRefused, Draft, Place, place_of, secrets_for
from providers.models import Connection, Step, StepModel, Vendor
from providers.proving import deadline, prove
from providers.sealing import Secrets, open_sealed, seal
from tenancy.scope import current_organization_id

MOST_CONNECTIONS = 10
LONGEST_PROBLEM = 500
# A connection that fails for one step and works for the next would fill the audit log.
REFUSAL_TOLD_ONCE_IN = timedelta(hours=1)
ONLY_ONE = {Vendor.PLATFORM, Vendor.BUILT_IN}
FIELD_OF = {(Vendor.AZURE_OPENAI, "base_url"): "target_uri", (Vendor.AZURE_OPENAI, "model"): "target_uri"}


class Direction(enum.StrEnum):
    """Where a connection moves in the order."""

    UP = "up"
    DOWN = "down"


def add_connection(*, draft: Draft, is_first: bool, actor: Actor) -> Connection:
    """Prove a new connection and add it: before all others, which then stand in, or after them.

    Raises ConnectionRefused, and changes nothing, where it does not answer.
    """
    place, secrets = _checked(draft, connection=None)
    _prove_place(place, secrets)
    with transaction.atomic():
        others = _locked()
        _refuse_too_many(others, place.vendor)
        saved = Connection(position=len(others))
        _write(saved, place, secrets, draft=draft, actor=actor)
        if is_first:
            _order([saved, *others])
    return saved


def change_connection(*, connection: Connection, draft: Draft, actor: Actor) -> Connection:
    """Prove what a connection is to be, and save it in its place; the old one answers until then.

    Its models of single steps are let go where it leads elsewhere. Raises ConnectionRefused, and changes nothing,
    where it does not answer or somebody else has saved it meanwhile.
    """
    place, secrets = _checked(draft, connection=connection)
    _prove_place(place, secrets)
    with transaction.atomic():
        rows = _locked()
        saved = next((row for row in rows if row.pk == connection.pk), None)
        if saved is None or saved.saved_at != connection.saved_at:
            raise ConnectionRefused("Somebody else has changed or removed this meanwhile. Look at it again first.")
        _refuse_second([row for row in rows if row.pk != saved.pk], place.vendor)
        if not place.takes_secrets_of(saved):
            StepModel.objects.filter(connection=saved).delete()
        _write(saved, place, secrets, draft=draft, actor=actor)
    return saved


def remove_connection(*, connection: Connection, actor: Actor) -> None:
    """Forget a connection with its secrets; the next in order answers."""
    with transaction.atomic():
        rows = _locked()
        if all(row.pk != connection.pk for row in rows):
            return  # somebody else was faster
        Connection.objects.filter(pk=connection.pk).delete()
        _order([row for row in rows if row.pk != connection.pk])
        record(Kind.CONNECTION_REMOVED, actor=actor, connection_id=connection.pk, connection=str(connection))


def move_connection(*, connection: Connection, direction: Direction, actor: Actor) -> None:
    """Let a connection change places with the one before or after it; at the end nothing happens."""
    with transaction.atomic():
        rows = _locked()
        index = next((number for number, row in enumerate(rows) if row.pk == connection.pk), None)
        other = -1 if index is None else index + (-1 if direction == Direction.UP else 1)
        if index is None or not 0 <= other < len(rows):
            return
        rows[index], rows[other] = rows[other], rows[index]
        _order(rows)
        _record_order(rows, actor)


def order_connections(*, connection_ids: Sequence[int], actor: Actor) -> None:
    """Put all connections in this order, or raise ConnectionRefused where these are not all of them."""
    with transaction.atomic():
        rows = {row.pk: row for row in _locked()}
        if sorted(rows) != sorted(connection_ids):
            raise ConnectionRefused("Name every connection once.", field="connections")
        ordered = [rows[pk] for pk in connection_ids]
        _order(ordered)
        _record_order(ordered, actor)


def check_connection(*, connection: Connection) -> str:
    """Ask a connection a tiny question with what is stored; return what is wrong, an empty text where it answers."""
    if connection.vendor == Vendor.BUILT_IN:
        return ""
    try:
        secrets = _opened(connection)
        if secrets is None:
            raise ProviderError(CANNOT_BE_OPENED, permanent=True)  # noqa: TRY301  (one way out for all problems)
        _prove_place(_place_now(connection), secrets, connection=connection)
    except (ProviderError, ConnectionRefused) as error:
        # What may pass by itself is told, and not held against the connection.
        if getattr(error, "permanent", True) and not getattr(error, "is_passing", False):
            note_problem(connection.pk, problem=str(error))
        return str(error)
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(checked_at=timezone.now(), problem="")
    return ""


def set_step_models(*, wanted: Mapping[Step, tuple[Connection, str] | None], actor: Actor) -> None:
    """Prove and save which model answers each of these steps, None for the connections' own.

    Raises ConnectionRefused with the step as its field, and changes nothing, where one does not answer.
    """
    with transaction.atomic():
        now = {step: (entry.connection_id, entry.model) for step, entry in selectors.step_models().items()}
    asked = {step: choice for step, choice in wanted.items() if choice and now.get(step) != (choice[0].pk, choice[1])}
    until = deadline()
    for step, (connection, model) in asked.items():
        _prove_model(step, connection, model, until=until)
    with transaction.atomic():
        rows = {row.pk: row for row in _locked()}
        for step, choice in wanted.items():
            if choice is None:
                StepModel.objects.filter(step=step).delete()
                continue
            connection, model = choice
            if connection.pk not in rows or rows[connection.pk].saved_at != connection.saved_at:
                raise ConnectionRefused("Somebody else has changed the connection meanwhile. Try again.", field=step)
            StepModel.objects.update_or_create(step=step, defaults={"connection": rows[connection.pk], "model": model})
        chosen = "; ".join(
            f"{step.label}: {choice[1] if choice else 'as the connection'}" for step, choice in wanted.items()
        )
        record(Kind.MODELS_CHANGED, actor=actor, models=chosen[:1000])


def note_problem(connection_id: int, *, problem: str) -> None:
    """Remember that a connection cannot answer until somebody changes something, and tell Admins of it.

    For what is permanent and not about one question, such as a revoked key. Writes only where it was not known.
    """
    problem = problem.replace("\0", "")[:LONGEST_PROBLEM]
    with transaction.atomic():
        changed = Connection.objects.filter(pk=connection_id).exclude(problem=problem).update(problem=problem)
        if not changed:
            return
        since = timezone.now() - REFUSAL_TOLD_ONCE_IN
        told = Event.objects.filter(kind=Kind.CONNECTION_REFUSED, created_at__gt=since)
        if not told.filter(subject__connection_id=connection_id).exists():
            record(Kind.CONNECTION_REFUSED, actor=SYSTEM, connection_id=connection_id, problem=problem)


def note_success(connection_id: int) -> None:
    """Forget a connection's problem, now that it has answered. Writes only where there was one."""
    with transaction.atomic():
        Connection.objects.filter(pk=connection_id).exclude(problem="").update(problem="")


# --- Proving ----------------------------------------------------------------------------------------------------------


def _checked(draft: Draft, *, connection: Connection | None) -> tuple[Place, Secrets]:
    place = place_of(draft)
    stored = None if connection is None else _opened(connection)
    if place.vendor == Vendor.PLATFORM and selectors.platform_choice() is None:
        raise ConnectionRefused("Whoever runs this server has set up no provider for everybody.", field="vendor")
    return place, secrets_for(place, draft, stored=stored, connection=connection)


def _opened(connection: Connection) -> Secrets | None:
    """Return a connection's secrets, None where they were sealed with a key that is gone."""
    try:
        return open_sealed(connection.sealed_secrets)
    except CannotDecrypt:
        return None


class _Unproved(ConnectionRefused):
    """The provider was asked and did not answer; `is_passing` where it may by itself."""

    def __init__(self, error: ProviderError, *, field: str) -> None:
        super().__init__(str(error), field=field)
        self.is_passing = not error.permanent


def _prove_place(place: Place, secrets: Secrets, *, connection: Connection | None = None) -> None:
    if place.vendor == Vendor.BUILT_IN:
        return
    if place.vendor == Vendor.PLATFORM:
        choice = selectors.platform_choice()
        if choice is None:
            raise ConnectionRefused("Whoever runs this server has taken its provider away.", field="vendor")
        adapter, credentials = choice.adapter, choice.credentials
    else:
        adapter = place.vendor
        external_id = selectors.external_id() if connection is None else connection.external_id
        candidate = Connection(**_columns(place), external_id=external_id)
        credentials = selectors.credentials_with(candidate, secrets)
    try:
        prove(adapter, credentials, until=deadline())
    except ProviderError as error:
        raise _Unproved(error, field=FIELD_OF.get((place.vendor, error.about), error.about)) from None


def _prove_model(step: Step, connection: Connection, model: str, *, until: float) -> None:
    if connection.vendor in ONLY_ONE:
        raise ConnectionRefused("This connection has no models to choose from.", field=step)
    if not MODEL.fullmatch(model):
        raise ConnectionRefused("This cannot be the name of a model.", field=step)
    secrets = _opened(connection)
    if secrets is None:
        raise ConnectionRefused(CANNOT_BE_OPENED, field=step)
    try:
        prove(connection.vendor, selectors.credentials_with(connection, secrets, model=model), until=until)
    except ProviderError as error:
        raise ConnectionRefused(str(error), field=step) from None


# --- Writing ----------------------------------------------------------------------------------------------------------


def _locked() -> list[Connection]:
    """Return the organization's connections in order; whoever else changes them waits for this transaction."""
    with database.cursor() as cursor:
        # Rows cannot be locked that are only about to be made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('connections'), %s)", [current_organization_id() % 2**31])
    return list(selectors.connections())


def _columns(place: Place) -> dict[str, str]:
    return {
        "vendor": place.vendor,
        "model": place.model,
        "base_url": place.base_url,
        "api_version": place.api_version,
        "region": place.region,
        "role_arn": place.role_arn,
    }


def _place_now(connection: Connection) -> Place:
    return Place(
        Vendor(connection.vendor),
        connection.model,
        base_url=connection.base_url,
        api_version=connection.api_version,
        region=connection.region,
        role_arn=connection.role_arn,
    )


def _write(saved: Connection, place: Place, secrets: Secrets, *, draft: Draft, actor: Actor) -> None:
    for name, value in _columns(place).items():
        setattr(saved, name, value)
    saved.external_id = selectors.external_id() if place.role_arn else ""
    saved.sealed_secrets = seal(secrets)
    saved.input_price, saved.output_price = draft.input_price, draft.output_price
    saved.checked_at, saved.problem, saved.saved_by = timezone.now(), "", actor.name[:254]
    saved.save()
    record(
        Kind.CONNECTION_SAVED,
        actor=actor,
        connection_id=saved.pk,
        connection=str(saved),
        host=(urlsplit(saved.base_url).hostname or "")[:200],
    )


def _order(rows: Sequence[Connection]) -> None:
    for position, row in enumerate(rows):
        if row.position != position:
            Connection.objects.filter(pk=row.pk).update(position=position)
            row.position = position


def _record_order(rows: Sequence[Connection], actor: Actor) -> None:
    order = "; ".join(str(row) for row in rows)
    record(Kind.CONNECTION_SAVED, actor=actor, connection="the order", order=order[:1000])


def _refuse_too_many(others: Sequence[Connection], vendor: Vendor) -> None:
    if len(others) >= MOST_CONNECTIONS:
        raise ConnectionRefused(f"There are {MOST_CONNECTIONS} connections already. Remove one first.")
    _refuse_second(others, vendor)


def _refuse_second(others: Sequence[Connection], vendor: Vendor) -> None:
    if vendor in ONLY_ONE and any(row.vendor == vendor for row in others):
        raise ConnectionRefused(f"{vendor.label} is among the connections already.", field="vendor")
