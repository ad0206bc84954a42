""" "Why was this commented or not?": the answer for each pull request, with a link to where it can be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse

from findings.models import Finding
from notifications.explaining import Answer, Place
from notifications.models import Outcome
from orgs.models import Membership
from orgs.permissions import Permission


@dataclass(frozen=True)
class CommentAnswer:
    """What became of a finding in one pull request, as the page shows it; empty where there is nothing to show."""

    answer: Answer
    icon: str
    address: str
    link: str

    @property
    def pull_request(self) -> str:
        """How the pull request is named; empty where the answer is about none."""
        return f"#{self.answer.number} {self.answer.title}".strip() if self.answer.number else ""


_ICONS = {
    Outcome.COMMENTED: "message-square",
    Outcome.WITH_NOTICE: "message-square",
    Outcome.HELD_BACK: "pause-circle",
    Outcome.NOT_COMMENTED: "minus-circle",
}

# Who may change it there, the page's name, and its address.
_PLACES: dict[Place, tuple[Permission, str, Callable[[str, Finding], str]]] = {
    Place.RULE: (
        Permission.POLICIES_MANAGE,
        "The rule",
        lambda slug, finding: reverse("rule", kwargs={"slug": slug, "rule_id": finding.rule_id}),
    ),
    Place.SETTINGS: (
        Permission.SETTINGS_VIEW,
        "Settings, Deployment",
        lambda slug, _: reverse("settings-deployment", kwargs={"slug": slug}),
    ),
    Place.CODE_HOSTS: (
        Permission.CODE_HOSTS_MANAGE,
        "Settings, Code hosts",
        lambda slug, _: reverse("settings-code-hosts", kwargs={"slug": slug}),
    ),
}


def comment_answers(answers: Iterable[Answer], *, finding: Finding, member: Membership) -> list[CommentAnswer]:
    """Return the answers as the page shows them; links go only where the member may change something."""
    return [_shown(answer, finding, member) for answer in answers]


def _shown(answer: Answer, finding: Finding, member: Membership) -> CommentAnswer:
    icon = _ICONS[Outcome(answer.outcome)] if answer.outcome else "help-circle"
    place = _PLACES.get(answer.words.place)
    if place is None or not member.may(place[0]):
        return CommentAnswer(answer, icon, address="", link="")
    return CommentAnswer(answer, icon, address=place[2](member.organization.slug, finding), link=place[1])
