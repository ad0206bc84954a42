"""Slack on loopback: a workspace that remembers its channels, people and messages.

Requests are held against Slack's own description (of 2021: names that came since are listed here), and blocks against
the classes of its SDK and the limits that Slack documents. What breaks either is kept in `violations`.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from slack_sdk.models.blocks import Block

from tests.contract.contracts import contract
from tests.vendors.server import Exchange, Scripted, VendorServer, raw

CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET = "1111.2222", "client secret", "signing secret"
TOKEN, BOT, APP, TEAM = "xoxb-1", "U0BOT", "A0APP", "T0ACME"
SCOPES = (
    "chat:write,channels:read,groups:read,channels:join,channels:history,groups:history,users:read,users:read.email"
)
# What Slack has taken up since its description was written.
NEWER = {
    "chat.postMessage": {"metadata"},
    "chat.update": {"metadata"},
    "conversations.history": {"include_all_metadata"},
}
WITHOUT_TOKEN = {"oauth.v2.access"}
MOST_BLOCKS = 50
LIMITS = {"section": 3000, "header": 150, "button": 75, "value": 2000, "action_id": 255, "text": 4000}


@dataclass
class Room:
    """A channel."""

    channel_id: str
    name: str
    is_private: bool = False
    is_member: bool = False
    is_archived: bool = False


@dataclass
class Posted:
    """A message, with every text that it had."""

    channel_id: str
    ts: str
    body: dict[str, Any]
    edits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def now(self) -> dict[str, Any]:
        """What it says now."""
        return self.edits[-1] if self.edits else self.body

    @property
    def words(self) -> str:
        """All that is read in it."""
        return json.dumps(self.now["blocks"], ensure_ascii=False)

    def value_of(self, action: str) -> str:
        """The value of a button, by its action."""
        return next(str(each.get("value", "")) for each in self._buttons() if each["action_id"] == action)

    @property
    def actions(self) -> list[str]:
        """The actions of its buttons."""
        return [str(each["action_id"]) for each in self._buttons()]

    def _buttons(self) -> Iterator[Any]:
        for block in self.now["blocks"]:
            if block["type"] == "actions":
                yield from block["elements"]


@dataclass(frozen=True)
class Asked(Exchange):
    """A call of a method, with what it was given."""

    @property
    def method(self) -> str:
        """The method's name."""
        return self.path.rpartition("/")[2].partition("?")[0]

    @property
    def given(self) -> dict[str, Any]:
        """The arguments, from JSON or a form."""
        return dict(self.body) if self.body else dict(parse_qsl(self.content.decode(), keep_blank_values=True))


def failure(word: str, *, status: int = 200, retry_after: int | None = None, **more: Any) -> Scripted:
    """Return what Slack says when it refuses."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return Scripted(status=status, body=json.dumps({"ok": False, "error": word, **more}).encode(), headers=headers)


class SlackServer(VendorServer[Asked]):
    """A running workspace."""

    exchange_type = Asked

    def __init__(self) -> None:
        super().__init__()
        self.rooms = {room.channel_id: room for room in (Room("C0GENERAL", "general"), Room("C0SECURITY", "security"))}
        self.people: dict[str, dict[str, Any]] = {}
        self.messages: list[Posted] = []
        self.told_alone: list[tuple[str, str]] = []  # user and text
        self.codes = {"good-code"}
        self.is_revoked = False
        self.faults: dict[str, deque[Scripted]] = defaultdict(deque)
        self.forgets_answers_of: set[str] = set()  # done, but the connection breaks before the answer
        self.rule = self._answer
        self._time = 1_764_000_000

    @property
    def api_url(self) -> str:
        """The address that SLACK_API_URL takes."""
        return f"{self.origin}/api/"

    def knows(self, user_id: str, email: str, **more: Any) -> None:
        """Let somebody be a member of the workspace."""
        profile = {"email": email, "real_name": user_id}
        self.people[user_id] = {"id": user_id, "team_id": TEAM, "is_email_confirmed": True, "profile": profile, **more}

    def fails(self, method: str, *replies: Scripted) -> None:
        """Give these replies to the next calls of a method."""
        self.faults[method].extend(replies)

    def calls_of(self, method: str) -> list[Asked]:
        """Return what was asked of a method."""
        return [each for each in self.exchanges if each.method == method]

    def problems_of(self, exchange: Asked) -> list[str]:
        return [f"{exchange.method}: {each}" for each in [*_by_description(exchange), *_of_blocks(exchange)]]

    def wrong_address(self, exchange: Asked) -> Scripted | None:
        if hasattr(self, _name(exchange.method)):
            return None
        return raw(b"no such method", status=404, content_type="text/plain")

    def _answer(self, exchange: Asked) -> Scripted:
        if waiting := self.faults[exchange.method]:
            return waiting.popleft()
        token = exchange.headers.get("Authorization", "").removeprefix("Bearer ")
        if exchange.method not in WITHOUT_TOKEN and token != TOKEN:
            return failure("invalid_auth" if token else "not_authed")
        if exchange.method not in WITHOUT_TOKEN and self.is_revoked:
            return failure("token_revoked")
        told = getattr(self, _name(exchange.method))(exchange.given)
        if exchange.method in self.forgets_answers_of:
            self.forgets_answers_of.remove(exchange.method)
            return Scripted(body=b'{"ok": true', is_cut=True)
        if isinstance(told, str):
            return failure(told)
        return Scripted(body=json.dumps({"ok": True, **told}).encode())

    # --- Methods; a word is what was refused ---------------------------------------------------------------------

    def _oauth_v2_access(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        asked = self.exchanges[-1]
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if asked.headers.get("Authorization") != f"Basic {expected}":
            return "bad_client_secret"
        if given.get("code") not in self.codes:
            return "invalid_code"
        self.codes.remove(str(given["code"]))
        self.is_revoked = False
        return {
            "access_token": TOKEN,
            "token_type": "bot",
            "scope": SCOPES,
            "bot_user_id": BOT,
            "app_id": APP,
            "team": {"id": TEAM, "name": "Acme Workspace"},
            "authed_user": {"id": "U0ADMIN"},
        }

    def _auth_test(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        return {"team_id": TEAM, "team": "Acme Workspace", "user_id": BOT, "bot_id": "B0BOT", "url": self.origin}

    def _auth_revoke(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        self.is_revoked = True
        return {"revoked": True}

    def _chat_postMessage(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        room = self.rooms.get(str(given["channel"]))
        if room is None:
            return "channel_not_found"
        if room.is_archived or not room.is_member:
            return "is_archived" if room.is_archived else "not_in_channel"
        self._time += 1
        posted = Posted(room.channel_id, f"{self._time}.000100", dict(given))
        self.messages.append(posted)
        return {"channel": room.channel_id, "ts": posted.ts, "message": {"text": given["text"]}}

    def _chat_update(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        found = [each for each in self.messages if (each.channel_id, each.ts) == (given["channel"], given["ts"])]
        if not found:
            return "message_not_found"
        found[0].edits.append(dict(given))
        return {"channel": given["channel"], "ts": given["ts"], "text": given["text"]}

    def _chat_postEphemeral(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        self.told_alone.append((str(given["user"]), str(given["text"])))
        return {"message_ts": "1.1"}

    def _conversations_list(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        limit, start = int(given.get("limit", 100)), int(given.get("cursor") or 0)
        without = given.get("exclude_archived") == "1"
        rooms = [room for room in self.rooms.values() if not (without and room.is_archived)]
        after = str(start + limit) if start + limit < len(rooms) else ""
        return {
            "channels": [_shape(room) for room in rooms[start : start + limit]],
            "response_metadata": {"next_cursor": after},
        }

    def _conversations_info(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        room = self.rooms.get(str(given["channel"]))
        return "channel_not_found" if room is None else {"channel": _shape(room)}

    def _conversations_join(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        room = self.rooms[str(given["channel"])]
        room.is_member = True
        return {"channel": _shape(room)}

    def _conversations_history(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        here = [each for each in self.messages if each.channel_id == given["channel"]]
        return {
            "messages": [
                {"type": "message", "user": BOT, "ts": each.ts, "metadata": each.now.get("metadata")}
                for each in reversed(here)
            ],
            "has_more": False,
        }

    def _users_info(self, given: Mapping[str, Any]) -> dict[str, Any] | str:
        person = self.people.get(str(given["user"]))
        return "user_not_found" if person is None else {"user": person}


def _name(method: str) -> str:
    return f"_{method.replace('.', '_')}"


def _shape(room: Room) -> dict[str, Any]:
    return {
        "id": room.channel_id,
        "name": room.name,
        "is_channel": True,
        "is_private": room.is_private,
        "is_member": room.is_member,
        "is_archived": room.is_archived,
    }


# --- What Slack says of a request -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _description() -> Any:
    return contract("slack.json")["paths"]


def _by_description(exchange: Asked) -> Iterator[str]:
    """Slack's description knows GET with a query, and POST with a form; its client sends all by POST, some as JSON."""
    told = _description().get(f"/{exchange.method}")
    if told is None:
        yield "Slack describes no such method"
        return
    operation = next(iter(told.values()))
    known = {each["name"]: (each["schema"], each.get("required", False)) for each in operation.get("parameters", [])}
    form = operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {})
    shape = form.get("schema", {})
    known |= {name: (each, name in shape.get("required", [])) for name, each in shape.get("properties", {}).items()}
    given = exchange.given
    if exchange.headers.get("Authorization", "").startswith("Bearer "):
        given["token"] = "of the header"
    for name, value in given.items():
        if name not in known and name not in NEWER.get(exchange.method, set()):
            yield f"Slack knows no argument {name}"
        elif name in known and not _fits(value, str(known[name][0].get("type"))):
            yield f"{name} is no {known[name][0].get('type')}"
    yield from (f"{name} is missing" for name, (_, is_required) in known.items() if is_required and name not in given)


def _fits(value: object, kind: str) -> bool:
    match kind:
        case "boolean":
            return isinstance(value, bool) or value in {"0", "1", "true", "false"}
        case "integer":
            return str(value).isdigit()
        case "number":
            return str(value).replace(".", "", 1).isdigit()
        case _:
            return isinstance(value, str | list)


def _of_blocks(exchange: Asked) -> Iterator[str]:
    given = exchange.given
    if len(str(given.get("text", ""))) > LIMITS["text"]:
        yield "the text is too long"
    blocks = given.get("blocks", [])
    if len(blocks) > MOST_BLOCKS:
        yield f"{len(blocks)} blocks"
    for block in blocks:
        parsed = Block.parse(block)
        if parsed is None or parsed.to_dict() != block:
            yield f"the SDK reads another block: {block}"[:300]
            continue
        try:
            parsed.validate_json()
        except Exception as error:  # whatever the SDK says, it is about this block
            yield f"{block['type']}: {error}"
        yield from _too_long(block)


def _too_long(block: Mapping[str, Any]) -> Iterator[str]:
    if (
        not 0
        < len(block.get("text", {}).get("text", "x"))
        <= LIMITS[block["type"] if block["type"] in LIMITS else "section"]
    ):
        yield f"the text of a {block['type']} is empty or too long"
    for each in block.get("elements", []):
        if each["type"] == "button":
            if len(each["text"]["text"]) > LIMITS["button"] or len(each.get("action_id", "")) > LIMITS["action_id"]:
                yield "a button says too much"
            if len(each.get("value", "")) > LIMITS["value"] or len(each.get("url", "")) > LIMITS["section"]:
                yield "a button's value is too long"
