"""Connecting code hosts: proved first, outside any transaction, and then written.

Until what is to be saved has proved itself, the host as it was stays in force.
"""

from __future__ import annotations

import secrets as random
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from lib.crypto import CannotDecrypt
from scm.access import access_of
from scm.adapters.github.manifest import CreatedApp, exchange_code, form_address, manifest
from scm.adapters.values import InstallationFacts, PermissionCheck
from scm.drafts import HostDraft, HostRefused, Place, place_of, secrets_for
from scm.models import CodeHost, HostKind
from scm.proving import Proof, Unproved, prove, told_in_words
from scm.services.following import follow_installation
from tenancy.scope import current_organization_id
from tenancy.sealing import open_secrets, seal_secrets
from tenancy.waiting import let_go_of_connection

MOST_HOSTS = 20
LONGEST_PROBLEM = 500
LONGEST_CHECK = 300
CHANGED_MEANWHILE = "Somebody else has changed or removed this meanwhile. Look at it again first."


def new_hook_key() -> str:
    """Return what makes the address of a host's webhooks unguessable."""
    return random.token_urlsafe(24)


def new_webhook_secret() -> str:
    """Return what a host signs its webhooks with."""
    return random.token_urlsafe(32)


def app_manifest(*, name: str, hook_url: str, redirect_url: str, setup_url: str) -> dict[str, Any]:
    """Return the manifest of a GitHub App of ours; people come back to `redirect_url` with it made, or installed."""
    made = manifest(name=name, public_url=settings.PUBLIC_URL, hook_url=hook_url, redirect_url=redirect_url)
    return {**made, "setup_url": setup_url, "setup_on_update": True}


def app_form_address(base_url: str, *, organization: str) -> str:
    """Return where a manifest is posted to by the browser, for an organization's App or one's own."""
    return form_address(base_url, organization=organization)


def connect_host(*, draft: HostDraft, actor: Actor) -> CodeHost:
    """Prove a new code host and save it. Raises HostRefused, and saves nothing, where it does not let us in."""
    place = place_of(draft)
    secrets = secrets_for(place, draft, host=None, stored=None)
    proof = prove(place.kind, place.access(secrets))
    secrets.setdefault("webhook_secret", new_webhook_secret())
    host = CodeHost(hook_key=new_hook_key())
    with transaction.atomic():
        _refuse_too_many(lock_hosts())
        _write(host, place, secrets, proof, actor=actor)
    return host


def change_host(*, host: CodeHost, draft: HostDraft, actor: Actor) -> CodeHost:
    """Prove what a code host is to be, and save it; the old one is in force until then.

    Stored secrets are forgotten where it leads elsewhere; it gets a new webhook secret then. Raises HostRefused, and
    changes nothing, where it does not let us in or somebody else has saved it meanwhile.
    """
    if (draft.kind, draft.is_app) != (host.kind, host.is_app):
        raise HostRefused("Add it as another code host: this one is of another kind.", field="base_url")
    place = place_of(draft)
    secrets = secrets_for(place, draft, host=host, stored=_opened(host))
    proof = prove(place.kind, place.access(secrets))
    secrets.setdefault("webhook_secret", new_webhook_secret())
    with transaction.atomic():
        saved = next((row for row in lock_hosts() if row.pk == host.pk), None)
        if saved is None or saved.saved_at != host.saved_at:
            raise HostRefused(CHANGED_MEANWHILE)
        if not place.takes_secrets_of(saved):
            saved.app_slug = saved.client_id = ""
        _write(saved, place, secrets, proof, actor=actor)
    return saved


def save_created_app(
    *, base_url: str, proxy_url: str, ca_bundle: str, hook_key: str, code: str, actor: Actor
) -> CodeHost:
    """Take over the App that GitHub has just made of our manifest, for the code that it sent back with the browser.

    The code works once, and the private key comes with it: so the host is saved even where the App does not answer
    yet, with the problem noted. Raises HostRefused where GitHub gives us no App for the code.
    """
    place = place_of(HostDraft(HostKind.GITHUB, base_url, proxy_url=proxy_url, ca_bundle=ca_bundle))
    access = place.access({})
    let_go_of_connection()
    with told_in_words(access):
        created = exchange_code(access, code)
    place = Place(
        place.kind,
        place.base_url,
        is_app=True,
        app_id=created.app_id,
        proxy_url=place.proxy_url,
        ca_bundle=place.ca_bundle,
    )
    proof, problem = _proof_of(place, created)
    host = CodeHost(hook_key=hook_key, app_slug=created.slug[:100], client_id=created.client_id[:100])
    with transaction.atomic():
        _refuse_too_many(lock_hosts())
        _write(host, place, _secrets_of(place, created), proof, actor=actor, problem=problem)
    return host


def check_host(*, host: CodeHost) -> str:
    """Ask a host again who we are and what we may do; return what is wrong, an empty text where it lets us in.

    What it says is kept, with where the App is installed. A problem that may pass by itself is told and not kept.
    """
    stored = _opened(host)
    if stored is None:
        problem = "What is stored cannot be opened any more. Enter it again."
        _note_problem(host, problem)
        return problem
    try:
        proof = prove(HostKind(host.kind), access_of(host))
    except Unproved as error:
        if not error.is_passing:
            _note_problem(host, str(error))
        return str(error)
    with transaction.atomic():
        saved = next((row for row in lock_hosts() if row.pk == host.pk), None)
        if saved is not None and saved.saved_at == host.saved_at:
            # `update` leaves `saved_at` as it is: nobody has saved anything.
            CodeHost.objects.filter(pk=host.pk).update(problem="", **_proved_columns(proof))
            _write_installations(saved, proof.installations)
    return ""


def remove_host(*, host: CodeHost, actor: Actor) -> int:
    """Forget a host with its secrets, installations and repositories; returns how many of those were connected.

    Projects, findings and what was commented stay.
    """
    with transaction.atomic():
        saved = next((row for row in lock_hosts() if row.pk == host.pk), None)
        if saved is None:
            return 0  # somebody else was faster
        count = saved.repositories.count()
        CodeHost.objects.filter(pk=saved.pk).delete()
        record(Kind.CODE_HOST_REMOVED, actor=actor, host_id=host.pk, host=str(saved)[:300], repositories=count)
    return count


def renew_webhook_secret(*, host: CodeHost, actor: Actor) -> str:
    """Give a host a new webhook secret and return it, to be shown once; what is signed with the old one is refused.

    Raises HostRefused where what is stored cannot be opened.
    """
    with transaction.atomic():
        saved = next((row for row in lock_hosts() if row.pk == host.pk), None)
        stored = None if saved is None else _opened(saved)
        if saved is None or stored is None:
            raise HostRefused("What is stored cannot be opened any more. Enter it again first.")
        secret = new_webhook_secret()
        saved.sealed_secrets = seal_secrets({**stored, "webhook_secret": secret})
        saved.saved_by = actor.name[:254]
        saved.save(update_fields=["sealed_secrets", "saved_by", "saved_at"])
        record(Kind.CODE_HOST_SAVED, actor=actor, host_id=saved.pk, host=str(saved)[:300], change="webhook secret")
    return secret


def webhook_secret_of(host: CodeHost) -> str:
    """Return what a host signs its webhooks with, to be shown where somebody has to enter it there by hand."""
    return (_opened(host) or {}).get("webhook_secret", "")


def lock_hosts() -> list[CodeHost]:
    """Return the organization's hosts; whoever else changes them or their repositories waits for this transaction."""
    with database.cursor() as cursor:
        # Rows cannot be locked that are only about to be made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('code_hosts'), %s)", [current_organization_id() % 2**31])
    return list(CodeHost.objects.order_by("pk"))


# --- Proving ----------------------------------------------------------------------------------------------------------


def _opened(host: CodeHost) -> dict[str, str] | None:
    """Return a host's secrets, None where they were sealed with a key that is gone."""
    try:
        return open_secrets(host.sealed_secrets)
    except CannotDecrypt:
        return None


def _secrets_of(place: Place, created: CreatedApp) -> dict[str, str]:
    return {
        "private_key": created.private_key,
        "webhook_secret": created.webhook_secret,
        "client_secret": created.client_secret,
        **({"proxy_url": place.proxy_url} if place.proxy_url != place.proxy_address else {}),
    }


def _proof_of(place: Place, created: CreatedApp) -> tuple[Proof | None, str]:
    try:
        return prove(place.kind, place.access(_secrets_of(place, created))), ""
    except Unproved as error:
        return None, str(error)


# --- Writing ----------------------------------------------------------------------------------------------------------


def _write(
    host: CodeHost, place: Place, secrets: dict[str, str], proof: Proof | None, *, actor: Actor, problem: str = ""
) -> None:
    columns = {**place.columns(), **({} if proof is None else _proved_columns(proof))}
    for name, value in columns.items():
        setattr(host, name, value)
    host.sealed_secrets = seal_secrets(secrets)
    host.problem, host.saved_by = problem[:LONGEST_PROBLEM], actor.name[:254]
    host.save()
    record(
        Kind.CODE_HOST_SAVED,
        actor=actor,
        host_id=host.pk,
        host=str(host)[:300],
        account=host.account,
        server=(urlsplit(host.base_url).hostname or "")[:200],
    )
    if proof is not None:
        _write_installations(host, proof.installations)


def _proved_columns(proof: Proof) -> dict[str, object]:
    return {
        "account": proof.identity.account[:200],
        "account_id": proof.identity.account_id[:40],
        "checks": _as_kept(proof.checks),
        "checked_at": timezone.now(),
    }


def _as_kept(checks: Sequence[PermissionCheck]) -> list[dict[str, object]]:
    return [
        {name: value[:LONGEST_CHECK] if isinstance(value, str) else value for name, value in asdict(check).items()}
        for check in checks
    ]


def _write_installations(host: CodeHost, facts: Sequence[InstallationFacts]) -> None:
    """Keep where the App is installed now; what the host does not name any more was removed there."""
    for each in facts:
        follow_installation(host=host, facts=each)
    gone = host.installations.filter(removed_at=None).exclude(external_id__in=[each.external_id for each in facts])
    for row in list(gone):
        follow_installation(host=host, facts=InstallationFacts(row.external_id, row.account), is_removed=True)


def _note_problem(host: CodeHost, problem: str) -> None:
    with transaction.atomic():
        CodeHost.objects.filter(pk=host.pk, saved_at=host.saved_at).update(problem=problem[:LONGEST_PROBLEM])


def _refuse_too_many(hosts: Sequence[CodeHost]) -> None:
    if len(hosts) >= MOST_HOSTS:
        raise HostRefused(f"There are {MOST_HOSTS} code hosts already. Remove one first.")
