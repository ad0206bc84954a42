"""The one way out to a model: redact, look in the cache, wait for a turn, hold money, call, check the answer, record.

Who answers is an ordered list; `asking` says when the next one stands in.
"""

from __future__ import annotations

from providers.gate.answering import answer_in
from providers.gate.asking import (
    Answer,
    NoUsableAnswer,
    StoppedByBudget,
    as_sent,
    ask,
    ask_again,
    ask_or_stand_in,
    highest_cost,
)
from providers.gate.turns import wait_for_turn
from tenancy.waiting import let_go_of_connection

__all__ = [
    "Answer",
    "NoUsableAnswer",
    "StoppedByBudget",
    "answer_in",
    "as_sent",
    "ask",
    "ask_again",
    "ask_or_stand_in",
    "highest_cost",
    "let_go_of_connection",
    "wait_for_turn",
]
