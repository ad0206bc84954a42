"""What Slack tells of itself: the app was uninstalled, a channel was archived, renamed or deleted."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from notifications.channels.slack_facts import IN_WORDS
from notifications.models import SlackDestination, SlackWorkspace

ARCHIVED = frozenset({"channel_archive", "group_archive"})
UNARCHIVED = frozenset({"channel_unarchive", "group_unarchive"})
DELETED = frozenset({"channel_deleted", "group_deleted"})
RENAMED = frozenset({"channel_rename", "group_rename"})
UNINSTALLED = frozenset({"app_uninstalled", "tokens_revoked"})
CONCERN_US = ARCHIVED | UNARCHIVED | DELETED | RENAMED | UNINSTALLED

DELETED_IN_WORDS = "The channel was deleted in Slack. Choose another."


def follow(*, workspace_id: int, event: str, channel_id: str, name: str, at: int) -> None:
    """Show what Slack told of a workspace. Safe to run twice; what is older than the connection is about another."""
    with transaction.atomic():
        workspace = SlackWorkspace.objects.select_for_update().filter(pk=workspace_id, removed_at=None).first()
        if workspace is None or datetime.fromtimestamp(at, tz=UTC) < workspace.installed_at.replace(microsecond=0):
            return
        if event in UNINSTALLED:
            workspace.problem = IN_WORDS["account_inactive"]
            workspace.sealed_token = ""  # it opens nothing any more
            workspace.save(update_fields=["problem", "sealed_token"])
            return
        here = SlackDestination.objects.filter(workspace=workspace, channel_id=channel_id)
        if event in ARCHIVED:
            here.update(problem=IN_WORDS["is_archived"])
        elif event in DELETED:
            here.update(problem=DELETED_IN_WORDS)
        elif event in UNARCHIVED:
            here.filter(problem=IN_WORDS["is_archived"]).update(problem="")
        elif event in RENAMED and name:
            here.update(channel_name=name[:200])
