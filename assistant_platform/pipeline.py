"""What follows what. Each line: when this happened, start these tasks."""

from __future__ import annotations

from events.kinds import Kind
from events.services import Task, set_followers
from events.tasks import wake_dispatcher

FOLLOWERS: dict[Kind, list[Task]] = {}


def hand_down() -> None:
    """Tell events what follows what, so that services never import tasks."""
    set_followers(FOLLOWERS, wake_dispatcher=wake_dispatcher)
