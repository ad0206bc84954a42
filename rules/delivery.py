"""Rules as `semgrep ci` is given them: one JSON object each, checked by the engine before anybody gets it.

One rule that the client cannot read aborts its whole scan, so a rule is delivered only once the engine has accepted
the very text of the delivery.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from rules.engine.errors import EngineError, EngineMissing
from rules.engine.scanning import validate
from rules.models import Rule

# The client blocks by itself where this is missing, or names `block`; we decide when its scan completes.
NEVER_BLOCKS: dict[str, list[str]] = {"dev.semgrep.actions": []}
CHECKED_TOGETHER = 100


class NotDeliverable(Exception):
    """A rule's text cannot be delivered; the words say why."""


def as_delivered(rule: Rule) -> str:
    """Return a rule's text as the JSON that the client is given, under the rule's own identifier.

    Raises NotDeliverable.
    """
    try:
        # The pure reader is the one that the engine's own front end uses.
        content = YAML(typ="safe", pure=True).load(rule.yaml)
    except (YAMLError, RecursionError) as problem:
        raise NotDeliverable(f"It cannot be read as YAML: {problem}"[:500]) from problem
    written = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(written, list) or len(written) != 1 or not isinstance(written[0], dict):
        raise NotDeliverable("Its text is not one rule in a list named `rules`.")
    body: dict[str, Any] = dict(written[0])
    metadata = body.get("metadata")
    body["id"] = rule.identifier
    body["metadata"] = {
        **(metadata if isinstance(metadata, dict) else {}),
        **NEVER_BLOCKS,
        "semgrep.dev": {"rule": {"rule_id": str(rule.pk), "rule_name": rule.identifier, "origin": rule.origin}},
    }
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as problem:  # a date, a binary, a number without end: YAML has more than JSON
        raise NotDeliverable(f"It has a value that JSON cannot hold: {problem}"[:500]) from problem


def check(rules: Sequence[Rule]) -> None:
    """Fill `delivered` or `objection` of rules that have a text, without saving them. Raises EngineError.

    Up to 100 rules share a run of the engine; where it fails as a whole, they are asked about in halves, so that one
    rule cannot keep the others from being delivered.
    """
    for start in range(0, len(rules), CHECKED_TOGETHER):
        written: list[Rule] = []
        for rule in rules[start : start + CHECKED_TOGETHER]:
            rule.delivered, rule.objection = "", ""
            try:
                rule.delivered = as_delivered(rule)
                written.append(rule)
            except NotDeliverable as problem:
                rule.objection = str(problem)
        _ask_the_engine(written)


def _ask_the_engine(rules: Sequence[Rule]) -> None:
    if not rules:
        return
    try:
        errors = validate(_file_of(rules))
    except EngineMissing:
        raise
    except EngineError as problem:
        if len(rules) == 1:
            _refuse(rules[0], str(problem))
            return
        errors = None
    objections = {error.rule_id: error.message for error in errors or () if error.rule_id}
    unplaced = errors is None or any(not error.rule_id for error in errors)
    if unplaced and len(rules) > 1:
        middle = len(rules) // 2
        _ask_the_engine(rules[:middle])
        _ask_the_engine(rules[middle:])
        return
    for rule in rules:
        if unplaced:
            _refuse(rule, "; ".join(error.message for error in errors or ()))
        elif rule.identifier in objections:
            _refuse(rule, objections[rule.identifier])


def _refuse(rule: Rule, why: str) -> None:
    rule.delivered, rule.objection = "", why[:2000]


def _file_of(rules: Sequence[Rule]) -> str:
    # One rule a line, so that the line of an error is that of its rule. JSON is YAML.
    return '{"rules": [\n' + ",\n".join(rule.delivered for rule in rules) + "\n]}\n"
