"""Whose a Slack workspace is: its events name the workspace alone, and several organizations may have connected it."""

from __future__ import annotations

from notifications.models import SlackWorkspace
from tenancy.directory import across_organizations


def organizations_connected_to(team_id: str) -> list[tuple[int, int]]:
    """Return (organization, workspace) ids of every connection to a workspace that was not removed."""
    with across_organizations():
        found = SlackWorkspace.every_organization.filter(team_id=team_id, removed_at=None).order_by("pk")
        return list(found.values_list("organization_id", "pk"))
