"""Prompts are files: `<app>/prompts/<name>.md`, with a version, an answer type, and the two texts that are sent."""

from __future__ import annotations

import hashlib
import importlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from django.conf import settings
from pydantic import BaseModel

LOCK_FILE = "prompts.lock"
FENCE_DIGITS = 16
LONGEST_QUOTED = 1000
# How many tokens an answer may have, by prompt; the others get the usual number.
USUAL_OUTPUT_TOKENS = 2000
OUTPUT_TOKENS = {
    "triage/component": 600,
    "remediation/guidance": 3000,
    "remediation/autofix": 4000,
    "memories/learn": 800,
    "memories/conflict": 400,
}


class PromptMalformed(Exception):
    """A prompt file lacks its head or one of its two parts."""


@dataclass(frozen=True)
class Prompt:
    """A rendered prompt."""

    name: str
    version: int
    answer: type[BaseModel]
    system: str
    user: str
    max_output_tokens: int = USUAL_OUTPUT_TOKENS


@dataclass(frozen=True)
class _Source:
    version: int
    answer: str
    system: jinja2.Template
    user: jinja2.Template


def render(name: str, **variables: Any) -> Prompt:
    """Fill in a prompt such as `triage/verdict`; a variable it names and nobody gave is an error."""
    source = _load(name)
    return Prompt(
        name=name,
        version=source.version,
        answer=answer_type(name),
        system=source.system.render(**variables).strip(),
        user=source.user.render(**variables).strip(),
        max_output_tokens=OUTPUT_TOKENS.get(name, USUAL_OUTPUT_TOKENS),
    )


def answer_type(name: str) -> type[BaseModel]:
    """Return what a prompt of that name asks for, by its present version. Raises OSError where there is none."""
    module, _, attribute = _load(name).answer.rpartition(".")
    found: type[BaseModel] = getattr(importlib.import_module(module), attribute)
    return found


def stored(*, name: str, version: int, system: str, user: str) -> Prompt:
    """Return a prompt that was sent before, with its texts as they were then. Raises OSError where it is gone."""
    return Prompt(
        name=name,
        version=version,
        answer=answer_type(name),
        system=system,
        user=user,
        max_output_tokens=OUTPUT_TOKENS.get(name, USUAL_OUTPUT_TOKENS),
    )


def fenced(text: object, label: str) -> str:
    """Wrap text from outside between marks that it cannot contain, since they are made from the text itself.

    A text that held its own mark would be a fixed point of SHA-256 in 64 bits; should one ever come, it gets another.
    """
    inside = str(text)
    number = 0
    while True:
        mark = hashlib.sha256(f"{label}\0{number}\0{inside}".encode(errors="replace")).hexdigest()[:FENCE_DIGITS]
        if mark not in inside:
            return f"<<<{label} {mark}\n{inside}\n{mark} {label}>>>"
        number += 1


def quoted(text: object) -> str:
    """Return a short text from outside in double quotes, on one line whatever it contains."""
    shown = str(text)[:LONGEST_QUOTED]
    escaped = json.dumps(shown, ensure_ascii=False)
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in escaped)


def all_prompts() -> dict[str, tuple[int, str]]:
    """Return every prompt's version and hash by its name."""
    found = {}
    for path in sorted(settings.BASE_DIR.glob("*/prompts/*.md")):
        name = f"{path.parent.parent.name}/{path.stem}"
        found[name] = (_load(name).version, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def locked_prompts() -> dict[str, tuple[int, str]]:
    """Return what the lock says of each prompt: its version and hash."""
    lock = json.loads((settings.BASE_DIR / LOCK_FILE).read_text(encoding="utf-8"))
    return {name: (entry["version"], entry["sha256"]) for name, entry in lock.items()}


def changed_without_version() -> list[str]:
    """Return the prompts whose text is not the locked one although their version is no higher."""
    locked = locked_prompts()
    return [
        name
        for name, (version, digest) in all_prompts().items()
        if name in locked and digest != locked[name][1] and version <= locked[name][0]
    ]


def write_lock() -> None:
    """Write down every prompt's version and hash, so that a test sees a change without a new version."""
    lock = {name: {"version": version, "sha256": digest} for name, (version, digest) in all_prompts().items()}
    (settings.BASE_DIR / LOCK_FILE).write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


def template_parts(path: Path) -> tuple[dict[str, str], str, str]:
    """Return the head, the system text and the user text of a prompt file, not filled in."""
    try:
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        system, user = body.split("\n# user\n", 1)
        system = system.split("# system\n", 1)[1]
        fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
        int(fields["version"]), fields["answer"].rindex(".")
    except (ValueError, IndexError, KeyError) as error:
        message = f"{path.name} needs a head with version and answer, then '# system' and '# user'"
        raise PromptMalformed(message) from error
    return fields, system, user


def environment() -> jinja2.Environment:
    """Return the rules by which prompts are filled in."""
    made = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701  (plain text for a model, not HTML)
    )
    made.filters.update(fenced=fenced, quoted=quoted)
    return made


@lru_cache(maxsize=64)
def _load(name: str) -> _Source:
    app, _, stem = name.partition("/")
    fields, system, user = template_parts(settings.BASE_DIR / app / "prompts" / f"{stem}.md")
    made = environment()
    return _Source(
        version=int(fields["version"]),
        answer=fields["answer"],
        system=made.from_string(system),
        user=made.from_string(user),
    )
