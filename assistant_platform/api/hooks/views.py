"""One webhook: read within limits, proved, kept once, answered.

Whoever cannot prove that a code host of ours sent it gets the same answer after the same work, whether there is such an
address or not. No statement of the database waits for another request's: what is counted, is counted in memory first.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import IO, cast

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

import scm.services
import scm.tasks
from assistant_platform.api.hooks import traffic
from scm.adapters import webhook_reader
from scm.adapters.base import Forged
from scm.senders import Sender, forget_senders, sender_at
from tenancy.scope import acting_for

BLOCK_BYTES = 1024 * 1024
LONGEST_DELIVERY_ID = 200
LONGEST_EVENT = 100
# What is compared with where nobody has that address: as much work, and never the right one.
NOBODYS_SECRET = secrets.token_hex(16)

NOT_PROVED = (
    "This webhook was not accepted. Compare its address and its secret with those under Settings > Code hosts of the"
    " organization."
)


class _Refusal(Exception):
    """A webhook that is not taken: what its sender is told, and, shorter, what is noted for the Admins."""

    def __init__(self, status: HTTPStatus, answer: str, noted: str) -> None:
        super().__init__(noted)
        self.status = status
        self.answer = answer
        self.noted = noted


@csrf_exempt
@require_POST
def receive(request: HttpRequest, kind: str, key: str) -> JsonResponse:
    """Take a webhook: 202 for one that will be worked on, 200 for one with nothing to do, else why not."""
    sender = sender_at(kind, key)
    try:
        status, answer = _taken(request, kind, sender)
    except _Refusal as refusal:
        if sender is not None:
            traffic.note_refused(sender, refusal.noted)
        status, answer = refusal.status, refusal.answer
    response = JsonResponse({"detail": answer}, status=status)
    # Django would write a line for each refusal, and whoever forges them would fill the log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _taken(request: HttpRequest, kind: str, sender: Sender | None) -> tuple[HTTPStatus, str]:
    body = _body_of(request)
    reader = webhook_reader(kind)
    try:
        reader.verify(request.headers, body, (sender and sender.secret) or NOBODYS_SECRET)
    except Forged:
        raise _not_proved() from None
    if sender is None or not sender.secret:
        raise _not_proved()
    traffic.note_seen(sender)
    if request.content_type != "application/json":
        raise _Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Set the webhook's content type to application/json: forms are not read.",
            "its content type was not application/json",
        )
    try:
        delivery_id, event = reader.delivery(request.headers, body)
        text = _text_of(body)
        greeting = reader.greeting(event, text)
    except ValueError as error:
        raise _malformed(str(error)) from None
    if not delivery_id or not event:
        raise _malformed("its headers name no event")
    if greeting:
        return HTTPStatus.OK, greeting
    if not reader.concerns_us(event):
        return HTTPStatus.OK, "There is nothing to do for this event."
    if len(delivery_id) > LONGEST_DELIVERY_ID or len(event) > LONGEST_EVENT:
        raise _malformed("a header is too long")
    return _kept(sender, delivery_id=delivery_id, event=event, body=text)


def _kept(sender: Sender, *, delivery_id: str, event: str, body: str) -> tuple[HTTPStatus, str]:
    try:
        with acting_for(sender.organization_id):
            is_new = scm.services.receive_delivery(
                organization_id=sender.organization_id,
                host_id=sender.host_id,
                delivery_id=delivery_id,
                event=event,
                body=body,
                take_in=scm.tasks.take_in,
            )
    except IntegrityError:
        forget_senders()  # the code host was removed a moment ago
        raise _not_proved() from None
    if is_new:
        return HTTPStatus.ACCEPTED, "Taken; it is worked on now."
    traffic.note_refused(sender, "it had been received before")
    return HTTPStatus.OK, "This delivery was received before. Nothing is done twice."


def _body_of(request: HttpRequest) -> bytes:
    """Return the body, of which no more is read than may be taken."""
    limit = settings.HOOK_MAX_BYTES
    stream = cast("IO[bytes]", request)
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        # Of a body without a stated length Django reads nothing.
        stream = request.environ["wsgi.input"]  # type: ignore[attr-defined]  # every request here is WSGI's
    elif _stated_length(request) > limit:
        raise _too_large()
    blocks, left = [], limit + 1
    try:
        while left > 0 and (block := stream.read(min(BLOCK_BYTES, left))):
            blocks.append(block)
            left -= len(block)
    except UnreadablePostError:
        raise _malformed("the body ended too early") from None
    if left <= 0:
        raise _too_large()
    return b"".join(blocks)


def _stated_length(request: HttpRequest) -> int:
    try:
        return int(request.headers.get("Content-Length") or 0)
    except ValueError:
        return 0


def _text_of(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ValueError("the body is not UTF-8") from None
    if "\0" in text:
        raise ValueError("the body holds a zero byte")
    return text


def _not_proved() -> _Refusal:
    return _Refusal(HTTPStatus.UNAUTHORIZED, NOT_PROVED, "its signature or secret was wrong")


def _too_large() -> _Refusal:
    megabytes = settings.HOOK_MAX_BYTES // 1024**2
    words = f"The webhook is larger than {megabytes} MB, the most that is read here."
    return _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, words, f"it was larger than {megabytes} MB")


def _malformed(why: str) -> _Refusal:
    return _Refusal(HTTPStatus.BAD_REQUEST, f"The webhook cannot be read: {why}.", f"it could not be read: {why}"[:100])
