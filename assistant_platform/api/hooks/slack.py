"""Slack's requests: a button that was pressed, and what Slack tells of workspaces and channels.

Each is proved by its signature over the raw body and the time that it names, taken down as a Job, and answered at once:
Slack waits three seconds. Where the database does not take it down in time, the answer is 503, so that nothing is lost
in silence: Slack shows whoever pressed the button that it did not work, and sends an event again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

import notifications.tasks
from events.services import owe_many
from notifications.channels.slack_blocks import ACTION_AGREE, ACTION_DISAGREE, ACTION_UNDO
from notifications.slack import signing
from notifications.slack.directory import organizations_connected_to
from notifications.slack.following import CONCERN_US
from tenancy.scope import acting_for

OLDEST_SECONDS = 300
MOST_BYTES = 1024 * 1024
LONGEST_WORD = 40
# Half of what Slack waits for: there may be a wait for a connection before.
DATABASE_MILLISECONDS = 1200
ANSWERS = {ACTION_AGREE, ACTION_DISAGREE, ACTION_UNDO}

View = Callable[[bytes], HttpResponse]


def _proved(view: View) -> Callable[[HttpRequest], HttpResponse]:
    """Let in what Slack has signed within the last minutes; everybody else gets one and the same answer."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        body = request.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES or not _is_signed(request, body):
            response: HttpResponse = JsonResponse(
                {"detail": "This request was not accepted: its signature or its time is wrong."},
                status=HTTPStatus.UNAUTHORIZED,
            )
        else:
            try:
                response = view(body)
            except (ValueError, KeyError, TypeError, RecursionError):
                response = JsonResponse({"detail": "This request cannot be read."}, status=HTTPStatus.BAD_REQUEST)
            except Error:
                response = JsonResponse({"detail": "Try again in a moment."}, status=HTTPStatus.SERVICE_UNAVAILABLE)
        # Django would write a line for each refusal, and whoever forges them would fill the log.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response

    return answer


def _is_signed(request: HttpRequest, body: bytes) -> bool:
    secret = settings.SLACK_SIGNING_SECRET
    stated = request.headers.get("X-Slack-Request-Timestamp", "")
    given = request.headers.get("X-Slack-Signature", "")
    if not (stated.isascii() and stated.isdigit() and len(stated) <= LONGEST_WORD):
        return False
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    signed = hmac.new((secret or "nobody's").encode(), f"v0:{stated}:".encode() + body, hashlib.sha256).hexdigest()
    holds = hmac.compare_digest(f"v0={signed}".encode(), given.encode(errors="replace"))
    return bool(secret) and holds and abs(time.time() - int(stated)) <= OLDEST_SECONDS


@_proved
def actions(body: bytes) -> HttpResponse:
    """Take down a button that somebody pressed."""
    payload = json.loads(parse_qs(body.decode())["payload"][0])
    if payload["type"] != "block_actions":
        return HttpResponse()
    for pressed in payload["actions"][:1]:
        about = signing.read(str(pressed.get("value", "")))
        if pressed.get("action_id") in ANSWERS and about is not None:
            with acting_for(about.organization_id), _quickly():
                owe_many(notifications.tasks.take_slack_action, [_press(payload, pressed, about.verdict_id)])
    return HttpResponse()


@_proved
def events(body: bytes) -> HttpResponse:
    """Take down what Slack tells of a workspace, and answer its question whether this address is ours."""
    payload = json.loads(body)
    if payload["type"] == "url_verification":
        return JsonResponse({"challenge": str(payload["challenge"])[:200]})
    told = payload.get("event") or {}
    if payload["type"] != "event_callback" or told.get("type") not in CONCERN_US:
        return HttpResponse()
    arguments = _event(payload, told)
    with _quickly():
        concerned = organizations_connected_to(_word(payload["team_id"]))
    for organization_id, workspace_id in concerned:
        with acting_for(organization_id), _quickly():
            owe_many(notifications.tasks.follow_slack, [{"workspace_id": workspace_id, **arguments}])
    return HttpResponse()


@contextmanager
def _quickly() -> Iterator[None]:
    """Open a transaction that gives up rather than wait for others."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(DATABASE_MILLISECONDS)])
        yield


def _press(payload: Mapping[str, Any], pressed: Mapping[str, Any], verdict_id: int) -> dict[str, int | str]:
    return {
        "verdict_id": verdict_id,
        "team_id": _word(payload["team"]["id"]),
        "user_id": _word(payload["user"]["id"]),
        "channel_id": _word(payload["container"]["channel_id"]),
        "message": _word(payload["container"]["message_ts"]),
        "action": _word(pressed["action_id"]),
        "at": _word(pressed["action_ts"]),
    }


def _event(payload: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, int | str]:
    """Return an event; its channel is a word, or in a renaming, an object with the new name."""
    channel = told.get("channel") or ""
    named = channel if isinstance(channel, dict) else {"id": channel, "name": ""}
    return {
        "event": str(told["type"]),
        "channel_id": _word(named.get("id") or "-"),
        "name": str(named.get("name") or "")[:200],
        "at": int(payload["event_time"]),
    }


def _word(value: object) -> str:
    """Return one of Slack's ids or times; ValueError for what is none."""
    word = str(value)
    if not (0 < len(word) <= LONGEST_WORD and word.isascii() and word.isprintable()):
        raise ValueError("no id of Slack's")
    return word
