"""From a model's text to an answer that fits: found, checked, asked for once more, hidden values put back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lib.text import json_objects_in
from providers.adapters.base import ProviderAdapter, Question, Reply, Turn
from providers.redaction import Redactor

A = TypeVar("A", bound=BaseModel)

# Where an answer quotes code, the hidden values are put back; prose keeps the placeholders.
CODE_FIELDS = {"quote", "old", "new"}
LONGEST_KEPT_TEXT = 200_000
LONGEST_SHOWN_AGAIN = 20_000
# Where the limit ended an answer, the second try gets this much more room.
ROOM_AFTER_CUT = 4


class Unusable(Exception):
    """The model's text holds no answer that fits, also on the second try."""

    def __init__(self, message: str, text: str) -> None:
        super().__init__(message)
        self.text = text


def ask_and_repair(
    adapter: ProviderAdapter,
    question: Question,
    *,
    before_try: Callable[[Question], None],
    on_reply: Callable[[Reply], None],
) -> tuple[BaseModel, Reply]:
    """Ask, and ask once more, showing what was wrong, where the answer does not fit; Unusable where neither does.

    `before_try` hears of each question before it is sent, and what it raises passes; `on_reply` of each reply.
    """
    problem = ""
    reply = Reply(text="", model="", input_tokens=0, output_tokens=0)
    for _ in range(2):
        before_try(question)
        reply = adapter.ask(question)
        on_reply(reply)
        try:
            return answer_in(reply.text, question.answer), reply
        except (ValidationError, ValueError) as error:
            problem = _in_words(error)
            if reply.is_cut_off:
                problem = "it was cut off at the limit of its length"
                question = replace(question, max_output_tokens=question.max_output_tokens * ROOM_AFTER_CUT)
                continue
            objection = (
                f"That answer cannot be used: {problem}\nAnswer again with one JSON object that fits the schema."
            )
            shown = reply.text[:LONGEST_SHOWN_AGAIN] or "(nothing)"
            question = replace(question, earlier=(Turn(answer=shown, objection=objection),))
    raise Unusable(problem, reply.text)


def answer_in(text: str, answer: type[A]) -> A:
    """Return the answer in a model's text, which may stand in prose or in a code block; ValueError without one.

    The last object that fits counts: a model that thinks aloud writes its drafts first.
    """
    found = json_objects_in(text[:LONGEST_KEPT_TEXT])
    if not found:
        raise ValueError("there is no JSON object in it")
    problem: ValidationError | None = None
    for entry in reversed(found):
        try:
            return answer.model_validate_json(json.dumps(_without_unstorable(entry)))
        except ValidationError as error:
            problem = problem or error
    assert problem is not None
    raise problem


def _without_unstorable(node: Any) -> Any:
    """Leave out what PostgreSQL cannot keep: zero characters and halves of surrogate pairs, which JSON can spell."""
    if isinstance(node, dict):
        return {storable(name): _without_unstorable(entry) for name, entry in node.items()}
    if isinstance(node, list):
        return [_without_unstorable(entry) for entry in node]
    return storable(node) if isinstance(node, str) else node


def storable(text: str) -> str:
    """Return a text as PostgreSQL can keep it, cut to a length."""
    return text[:LONGEST_KEPT_TEXT].replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def _in_words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{'.'.join(str(part) for part in entry['loc']) or 'answer'}: {entry['msg']}"
            for entry in error.errors()[:5]
        )
    return str(error)


def restored(value: A, redactor: Redactor) -> A:
    """Put hidden values back into quoted code, without validating again: a value may be longer than its placeholder."""

    def walk(node: Any, *, is_code: bool) -> Any:
        if isinstance(node, BaseModel):
            return restored(node, redactor)
        if isinstance(node, list):
            return [walk(entry, is_code=is_code) for entry in node]
        return redactor.restore(node) if is_code and isinstance(node, str) else node

    return value.model_copy(
        update={name: walk(getattr(value, name), is_code=name in CODE_FIELDS) for name in type(value).model_fields}
    )
