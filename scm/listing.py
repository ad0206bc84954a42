"""The repositories that a code host shows us, to choose from: asked once, kept for a short while, searched here.

Hosts differ in what they can search by, and lists of thousands are read in seconds; so the whole list is read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from django.core.cache import cache
from django.db import transaction

from scm.access import adapter_of_host
from scm.adapters.base import ScmError
from scm.models import CodeHost
from scm.proving import hidden_in
from scm.selectors import usable_installations
from tenancy.scope import current_organization_id
from tenancy.waiting import let_go_of_connection

KEPT_SECONDS = 300
LONGEST_SECONDS = 20.0
MOST_REPOSITORIES = 20_000


@dataclass(frozen=True)
class Listed:
    """A repository that can be chosen; `installation` is GitHub's number of what shows it, empty for a token."""

    external_id: str
    full_name: str
    web_url: str
    is_private: bool
    is_archived: bool
    installation: str = ""


@dataclass(frozen=True)
class Listing:
    """What a host showed, by name. `problem` says why something may be missing, empty where nothing is."""

    repositories: tuple[Listed, ...]
    problem: str = ""

    def matching(self, words: str) -> list[Listed]:
        """Return the repositories whose name has every one of these words."""
        wanted = words.casefold().split()
        return [each for each in self.repositories if all(word in each.full_name.casefold() for word in wanted)]


def repositories_of(host: CodeHost, *, is_fresh: bool = False) -> Listing:
    """Return what a host shows us, as it was up to five minutes ago unless it is to be fresh.

    Raise ScmError where it shows nothing at all. No transaction may be open.
    """
    key = f"repositories:{current_organization_id()}:{host.pk}:{host.saved_at.timestamp()}"
    kept = None if is_fresh else cache.get(key)
    if kept is not None:
        rows, problem = kept
        return Listing(tuple(Listed(*row) for row in rows), problem)
    listing = _asked(host)
    cache.set(key, ([astuple(each) for each in listing.repositories], listing.problem), KEPT_SECONDS)
    return listing


def _asked(host: CodeHost) -> Listing:
    found: dict[str, Listed] = {}
    problems: list[str] = []
    until = time.monotonic() + LONGEST_SECONDS
    for installation in _installations(host):
        try:
            for each in _shown(host, installation):
                found.setdefault(each.external_id, each)
                if len(found) >= MOST_REPOSITORIES or time.monotonic() > until:
                    problems.append("There are more than were read in time: name the one that is missing below.")
                    break
        except ScmError as error:
            problems.append(hidden_in(str(error), {}))
        if time.monotonic() > until:
            break
    if problems and not found:
        raise ScmError(problems[0], permanent=True)
    ordered = sorted(found.values(), key=lambda each: each.full_name.casefold())
    return Listing(tuple(ordered), " ".join(dict.fromkeys(problems)))


def _installations(host: CodeHost) -> list[str]:
    if not host.is_app:
        return [""]
    with transaction.atomic():
        return [row.external_id for row in usable_installations(host)]


def _shown(host: CodeHost, installation: str) -> Iterator[Listed]:
    let_go_of_connection()
    for facts in adapter_of_host(host, installation_id=installation).repositories():
        yield Listed(
            external_id=facts.external_id,
            full_name=facts.full_name,
            web_url=facts.web_url,
            is_private=facts.is_private,
            is_archived=facts.is_archived,
            installation=installation,
        )
