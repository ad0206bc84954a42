"""Slack through its own client, whose requests go out by lib.http: no proxies, no redirects, no tries of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import Request

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from lib.http.client import send
from lib.http.policy import OutboundError
from notifications.channels.base import Channel, ChannelError, Written
from notifications.channels.slack_facts import (
    IN_WORDS,
    OF_WORKSPACE,
    TEMPORARY,
    Installed,
    SlackChannelFound,
    SlackPerson,
)

TIMEOUT_SECONDS = 15.0
MOST_BYTES = 8 * 1024 * 1024
CHANNELS_A_PAGE = 200
MOST_PAGES_OF_CHANNELS = 10  # with Slack's limit of 20 requests a minute for this method
MESSAGES_LOOKED_THROUGH = 100
EVENT_TYPE = "assistant_message"  # of the metadata that our messages carry

# The SDK writes what it sends when its logger says debug: texts of findings have no place in logs.
_quiet = logging.getLogger("notifications.channels.slack.client")
_quiet.setLevel(logging.CRITICAL)


class Slack(Channel):
    """One workspace, spoken to with the token of its bot. `base_url` is the operator's, never a tenant's."""

    def __init__(self, *, token: str, base_url: str, bot_user_id: str = "", team_id: str = "") -> None:
        self._client = _client(base_url, token)
        self._bot_user_id = bot_user_id
        self._team_id = team_id

    def send(self, destination: str, message: Written, *, key: str) -> str:
        """Send a message, without previews of links."""
        answer = self._call(
            "chat.postMessage",
            json={
                "channel": destination,
                "text": message.text,
                "blocks": message.blocks,
                "unfurl_links": False,
                "unfurl_media": False,
                "metadata": _metadata(key),
            },
        )
        return str(answer["ts"])

    def update(self, destination: str, receipt: str, message: Written, *, key: str) -> None:
        """Edit a message; one that somebody deleted stays so."""
        try:
            self._call(
                "chat.update",
                json={
                    "channel": destination,
                    "ts": receipt,
                    "text": message.text,
                    "blocks": message.blocks,
                    "metadata": _metadata(key),
                },
            )
        except ChannelError as error:
            if error.word != "message_not_found":
                raise

    def sent_before(self, destination: str, *, key: str, since_seconds: float) -> str:
        """Look through the channel's last messages for ours; where we may not read them, none is found."""
        try:
            answer = self._call(
                "conversations.history",
                params={
                    "channel": destination,
                    "oldest": f"{time.time() - since_seconds:.6f}",
                    "limit": MESSAGES_LOOKED_THROUGH,
                    "include_all_metadata": True,
                },
            )
        except ChannelError as error:
            if error.word in {"missing_scope", "not_in_channel"}:
                return ""
            raise
        for message in answer.get("messages", []):
            told = message.get("metadata") or {}
            is_ours = message.get("user") == self._bot_user_id and told.get("event_type") == EVENT_TYPE
            if is_ours and (told.get("event_payload") or {}).get("key") == key:
                return str(message["ts"])
        return ""

    def tell_one(self, destination: str, user_id: str, text: str) -> None:
        """Say something in a channel that only one person sees. Raise ChannelError."""
        self._call("chat.postEphemeral", json={"channel": destination, "user": user_id, "text": text})

    def channels(self) -> tuple[list[SlackChannelFound], bool]:
        """Return the channels that may be chosen, by name, and whether there are more than were read."""
        found: list[SlackChannelFound] = []
        cursor = ""
        for _ in range(MOST_PAGES_OF_CHANNELS):
            answer = self._call(
                "conversations.list",
                params={
                    "types": "public_channel,private_channel",
                    "exclude_archived": True,
                    "limit": CHANNELS_A_PAGE,
                    **({"cursor": cursor} if cursor else {}),
                },
            )
            found += [_channel(each) for each in answer.get("channels", [])]
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return sorted(found, key=lambda each: each.name), bool(cursor)

    def channel(self, channel_id: str) -> SlackChannelFound:
        """Return one channel. Raise ChannelError, also where it is archived."""
        told = self._call("conversations.info", params={"channel": channel_id})["channel"]
        if told.get("is_archived"):
            raise _error("is_archived")
        return _channel(told)

    def join(self, channel_id: str) -> None:
        """Join a public channel; where we are already, nothing happens. Raise ChannelError."""
        self._call("conversations.join", params={"channel": channel_id})

    def person(self, user_id: str) -> SlackPerson:
        """Return who somebody is. Raise ChannelError.

        The address of a guest from another workspace is whatever the Admins there say, so it proves nothing here.
        """
        told = self._call("users.info", params={"user": user_id})["user"]
        is_own = told.get("team_id") == self._team_id and not told.get("is_stranger")
        is_one = not (told.get("is_bot") or told.get("deleted"))
        is_proved = is_own and is_one and told.get("is_email_confirmed") is not False
        return SlackPerson(user_id, str((told.get("profile") or {}).get("email") or "") if is_proved else "")

    def revoke(self) -> None:
        """Have Slack forget the token. Raise ChannelError; a token that no longer works is forgotten already."""
        try:
            self._call("auth.revoke", params={})
        except ChannelError as error:
            if error.word not in OF_WORKSPACE:
                raise

    def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        with _our_errors():
            answer = self._client.api_call(method, **arguments).data
        if not isinstance(answer, dict):
            raise ChannelError("Slack's answer cannot be read.", permanent=False)
        return answer


def installed_by(code: str, *, client_id: str, client_secret: str, redirect_url: str, base_url: str) -> Installed:
    """Exchange the code that Slack sent with the browser. Raise ChannelError."""
    with _our_errors():
        answer = _client(base_url, "").oauth_v2_access(
            client_id=client_id, client_secret=client_secret, code=code, redirect_uri=redirect_url
        )
    team = answer.get("team") or {}
    if answer.get("token_type") != "bot" or not team.get("id") or not answer.get("access_token"):
        raise ChannelError("Slack connected no workspace: the app has no bot, or was added elsewhere.", permanent=True)
    return Installed(
        team_id=str(team["id"]),
        team_name=str(team.get("name") or team["id"])[:200],
        app_id=str(answer.get("app_id") or ""),
        bot_user_id=str(answer.get("bot_user_id") or ""),
        token=str(answer["access_token"]),
        scopes=str(answer.get("scope") or "")[:1000],
    )


class _GuardedClient(WebClient):
    """Slack's client; what it sends goes out by lib.http, bounded in time and size."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        body = req.data if isinstance(req.data, bytes) else b""
        headers = {name: str(value) for name, value in req.header_items() if name.lower() != "content-length"}
        answer = send(
            url, method="POST", headers=headers, body=body, timeout_seconds=TIMEOUT_SECONDS, most_bytes=MOST_BYTES
        )
        # The SDK looks for this one name.
        told = {"Retry-After" if name == "retry-after" else name: value for name, value in answer.headers.items()}
        return {"status": answer.status, "headers": told, "body": answer.body.decode(errors="replace")}


def _client(base_url: str, token: str) -> WebClient:
    return _GuardedClient(token=token or None, base_url=base_url, retry_handlers=[], logger=_quiet)


@contextmanager
def _our_errors() -> Iterator[None]:
    try:
        yield
    except SlackApiError as error:
        raise _error_of_answer(error) from error
    except SlackClientError as error:
        raise ChannelError("Slack's answer cannot be read.", permanent=False) from error
    except OutboundError as error:
        raise ChannelError(f"Slack cannot be reached: {error}"[:300], permanent=error.permanent) from error


def _error_of_answer(error: SlackApiError) -> ChannelError:
    answer = error.response
    told = answer.data if isinstance(answer.data, dict) else {}
    word = str(told.get("error") or "")
    if answer.status_code == 429 or word in {"ratelimited", "rate_limited"}:  # noqa: PLR2004
        return ChannelError(
            "Slack asks to wait a while.",
            permanent=False,
            word="ratelimited",
            retry_after_seconds=_seconds(answer.headers.get("Retry-After")),
        )
    if not word or answer.status_code >= 500:  # noqa: PLR2004
        return ChannelError(f"Slack answered with status {answer.status_code}.", permanent=False)
    if needed := str(told.get("needed") or ""):
        return ChannelError(f"{IN_WORDS['missing_scope']} Missing: {needed[:100]}.", permanent=True, word=word)
    return _error(word)


def _error(word: str) -> ChannelError:
    words = IN_WORDS.get(word) or f"Slack refused it: {word[:60]}."
    return ChannelError(words, permanent=word not in TEMPORARY, word=word)


def _seconds(value: str | None) -> float:
    try:
        return min(max(float(value or 30), 1.0), 3600.0)
    except ValueError:
        return 30.0


def _channel(told: Mapping[str, Any]) -> SlackChannelFound:
    return SlackChannelFound(
        channel_id=str(told["id"]),
        name=str(told.get("name") or told["id"])[:200],
        is_private=bool(told.get("is_private")),
        is_member=bool(told.get("is_member")),
    )


def _metadata(key: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
