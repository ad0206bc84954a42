"""Carrying out a command: by the ordinary services, under the name of the account, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import findings.services
import memories.services
import notifications.selectors
import orgs.selectors
import triage.selectors
import triage.services
from events.kinds import Actor
from findings.models import Finding, IgnoreReason, Triage
from memories.models import MemorySource, MemoryState, Purpose
from memories.scopes import Scope, ScopeUnusable
from memories.services import MemoryUnusable
from notifications.replies.parsing import EXAMPLES, Command, Wish

REASONS = {
    Wish.FALSE_POSITIVE: IgnoreReason.FALSE_POSITIVE,
    Wish.ACCEPTABLE_RISK: IgnoreReason.ACCEPTABLE_RISK,
    Wish.OTHER: IgnoreReason.NO_REASON,
}
NO_WRITE_ACCESS = "Not carried out: only people with write access to this repository decide here."
NOTHING_THERE = "Not carried out: the finding of this comment is not known any more."
NO_VERDICT = "Not carried out: the Assistant has said nothing of this finding, so there is nothing to agree with."
UNCLEAR = "Not carried out. What works is `/assistant agree` or `/assistant disagree`, with a reason if you like."
SWITCHED_OFF = "Not carried out: memories are switched off for this project."


@dataclass(frozen=True)
class Outcome:
    """What became of a command. `answer` is one line, empty where a reaction says it."""

    is_carried_out: bool
    words: str
    answer: str = ""


def refused(answer: str) -> Outcome:
    """Return the outcome of a command that was not carried out."""
    return Outcome(is_carried_out=False, words=answer, answer=answer)


def what_is_missing(command: Command) -> Outcome | None:
    """Return why a command can be carried out for nobody, None where it can."""
    if command.wish is Wish.UNCLEAR:
        return refused(UNCLEAR)
    if command.lacks_text:
        return refused(f"Not carried out: write your words on the same line, for example `{EXAMPLES[command.wish]}`")
    return None


def carry_out(*, command: Command, about: Sequence[Finding], actor: Actor) -> Outcome:
    """Do what a command asks for, to every finding that its comment tells of. Wants a transaction."""
    if not about:
        return refused(NOTHING_THERE)
    match command.wish:
        case Wish.FALSE_POSITIVE | Wish.ACCEPTABLE_RISK | Wish.OTHER:
            return _each(about, _ignoring(command, actor), f"Ignored: {REASONS[command.wish].label.lower()}")
        case Wish.OPEN:
            return _each(about, _opening(command, actor), "Opened")
        case Wish.AGREE | Wish.DISAGREE:
            return _give_feedback(command, about, actor)
        case _:
            return _remember(command, about[0], actor)


def _each(about: Sequence[Finding], decide: Callable[[Finding], None], words: str) -> Outcome:
    for finding in about:
        decide(finding)
    return Outcome(is_carried_out=True, words=words if len(about) == 1 else f"{words} ({len(about)} findings)")


def _ignoring(command: Command, actor: Actor) -> Callable[[Finding], None]:
    return lambda finding: findings.services.ignore(
        finding=finding, reason=REASONS[command.wish], comment=command.text, actor=actor
    )


def _opening(command: Command, actor: Actor) -> Callable[[Finding], None]:
    return lambda finding: findings.services.set_triage(
        finding=finding, triage=Triage.OPEN, comment=command.text, actor=actor
    )


def _give_feedback(command: Command, about: Sequence[Finding], actor: Actor) -> Outcome:
    verdicts = triage.selectors.latest_verdicts([finding.pk for finding in about])
    if not verdicts:
        return refused(NO_VERDICT)
    agrees = command.wish is Wish.AGREE
    for _, verdict in sorted(verdicts.items()):
        triage.services.give_feedback_of_account(verdict=verdict, agrees=agrees, reason=command.text, actor=actor)
    return Outcome(is_carried_out=True, words="Agreed with the Assistant" if agrees else "Disagreed with the Assistant")


def _remember(command: Command, finding: Finding, actor: Actor) -> Outcome:
    """Suggest a memory for the rule in the project; findings that share a comment share their rule, so one is enough.

    A person on the code host only suggests, whoever they are here.
    """
    if not orgs.selectors.settings_for(finding.project_id).customize_with_memories:
        return refused(SWITCHED_OFF)
    try:
        memory = memories.services.teach(
            text=command.text,
            purpose=Purpose.BOTH,
            scope=Scope.of_finding(finding),
            source=MemorySource.REPLY,
            actor=actor,
            goes_live=False,
            finding=finding,
        )
    except (MemoryUnusable, ScopeUnusable) as problem:
        return refused(f"Not carried out: {problem}")
    link = notifications.selectors.link_to_memory(memory)
    is_known = memory.state == MemoryState.LIVE
    standing = "The Assistant remembers this already" if is_known else "Suggested as a memory; an Admin decides"
    return Outcome(is_carried_out=True, words="Suggested as a memory", answer=f"{standing}: {link}")
