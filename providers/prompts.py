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


@dataclass(frozen=True)
class _Source:
    version: int
    answer: str
    system: jinja2.Template
    user: jinja2.Template


def render(name: str, **variables: Any) -> Prompt:
    """Fill in a prompt such as `triage/verdict`; a variable it names and nobody gave is an error."""
    source = _load(name)
    module, _, attribute = source.answer.rpartition(".")
    return Prompt(
        name=name,
        version=source.version,
        answer=getattr(importlib.import_module(module), attribute),
        system=source.system.render(**variables).strip(),
        user=source.user.render(**variables).strip(),
    )


def fenced(text: str, label: str) -> str:
    """Wrap text from outside between marks that it cannot contain, since they are made from the text itself."""
    mark = hashlib.sha256(f"{label}\0{text}".encode()).hexdigest()[:10]
    return f"<<<{label} {mark}\n{text}\n{mark} {label}>>>"


def all_prompts() -> dict[str, tuple[int, str]]:
    """Return every prompt's version and hash by its name."""
    found = {}
    for path in sorted(settings.BASE_DIR.glob("*/prompts/*.md")):
        name = f"{path.parent.parent.name}/{path.stem}"
        found[name] = (_load(name).version, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def write_lock() -> None:
    """Write down every prompt's version and hash, so that a test sees a change without a new version."""
    lock = {name: {"version": version, "sha256": digest} for name, (version, digest) in all_prompts().items()}
    (settings.BASE_DIR / LOCK_FILE).write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


@lru_cache(maxsize=64)
def _load(name: str) -> _Source:
    app, _, stem = name.partition("/")
    path: Path = settings.BASE_DIR / app / "prompts" / f"{stem}.md"
    text = path.read_text(encoding="utf-8")
    try:
        _, head, body = text.split("---\n", 2)
        fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
        system, user = body.split("\n# user\n", 1)
        system = system.split("# system\n", 1)[1]
        version, answer = int(fields["version"]), fields["answer"]
    except (ValueError, IndexError, KeyError) as error:
        raise PromptMalformed(
            f"{path.name} needs a head with version and answer, then '# system' and '# user'"
        ) from error
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters["fenced"] = fenced
    return _Source(
        version=version, answer=answer, system=environment.from_string(system), user=environment.from_string(user)
    )
