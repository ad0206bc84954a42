"""Connecting a workspace, choosing channels, and what is done when either no longer works."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from events.kinds import Actor, Kind
from events.services import record
from notifications.announcements import TestMessage
from notifications.channels.base import ChannelError
from notifications.channels.slack_blocks import written
from notifications.channels.slack_facts import OF_WORKSPACE, SlackChannelFound
from notifications.models import SlackDestination, SlackWorkspace
from notifications.slack.directory import organizations_connected_to
from notifications.slack.selectors import is_set_up, slack_of
from orgs.models import Project
from tenancy.models import Organization
from tenancy.sealing import seal_secrets


class SlackRefused(Exception):
    """What was asked for cannot be done; the text tells an Admin why."""


def connect(*, code: str, redirect_url: str, actor: Actor) -> SlackWorkspace:
    """Take the workspace over in which somebody has just added the app. Asks Slack. Raise SlackRefused.

    An organization has one workspace; the one that it had before goes, with its channels, unless it is the same.
    """
    from notifications.channels.slack import installed_by  # noqa: PLC0415  (the SDK, only where it is needed)

    _require_set_up()
    try:
        told = installed_by(
            code,
            client_id=settings.SLACK_CLIENT_ID,
            client_secret=settings.SLACK_CLIENT_SECRET,
            redirect_url=redirect_url,
            base_url=settings.SLACK_API_URL,
        )
    except ChannelError as error:
        raise SlackRefused(str(error)) from error
    with transaction.atomic():
        # Two Admins at once: whoever comes second waits here, and replaces what the first has connected.
        had = list(SlackWorkspace.objects.select_for_update().filter(removed_at=None))
        for row in had:
            if row.team_id != told.team_id:
                _remove(row, actor=actor)
        row = next((each for each in had if each.team_id == told.team_id), SlackWorkspace(team_id=told.team_id))
        row.team_name, row.app_id, row.bot_user_id = told.team_name, told.app_id, told.bot_user_id
        row.sealed_token, row.scopes = seal_secrets({"token": told.token}), told.scopes
        row.installed_by, row.installed_at, row.problem = actor.name[:200], timezone.now(), ""
        row.save()
        record(Kind.SLACK_CONNECTED, actor=actor, workspace_id=row.pk, name=row.team_name)
    return row


def disconnect(*, workspace: SlackWorkspace, actor: Actor) -> str:
    """Forget a workspace, with its channels; Slack is asked to forget the token. Returns what Slack refused.

    Slack gives one token to an app in a workspace: while another organization here uses it, it is left valid.
    """
    others = [each for each in organizations_connected_to(workspace.team_id) if each[1] != workspace.pk]
    problem = ""
    if not others and is_set_up():
        try:
            slack_of(workspace).revoke()
        except ChannelError as error:
            problem = str(error)
    with transaction.atomic():
        row = SlackWorkspace.objects.select_for_update().filter(pk=workspace.pk, removed_at=None).first()
        if row is not None:
            _remove(row, actor=actor)
    return problem


def choose_channel(
    *, workspace: SlackWorkspace, project: Project | None, channel_id: str, actor: Actor
) -> SlackDestination:
    """Have a channel told of a project, or of all that have none of their own. Asks Slack. Raise SlackRefused."""
    found = _entered(workspace, channel_id)
    with transaction.atomic():
        row, _ = SlackDestination.objects.update_or_create(
            project=project,
            defaults={
                "workspace": workspace,
                "channel_id": found.channel_id,
                "channel_name": found.name,
                "problem": "",
                "chosen_by": actor.name[:200],
            },
        )
        _record_choice(row, actor, channel=found.name)
    return row


def change_destination(
    *, destination: SlackDestination, tells_suggestions: bool, tells_new_findings: bool, actor: Actor
) -> None:
    """Say what a channel is told of."""
    with transaction.atomic():
        destination.tells_suggestions, destination.tells_new_findings = tells_suggestions, tells_new_findings
        destination.save(update_fields=["tells_suggestions", "tells_new_findings"])
        told = {"suggestions": tells_suggestions, "new_findings": tells_new_findings}
        _record_choice(destination, actor, channel=destination.channel_name, **told)


def remove_destination(*, destination: SlackDestination, actor: Actor) -> None:
    """Tell a channel nothing more."""
    with transaction.atomic():
        _record_choice(destination, actor, channel="", before=destination.channel_name)
        destination.delete()


def send_test_message(*, destination: SlackDestination, organization: Organization, actor: Actor) -> None:
    """Send a message that says that the channel is reached, and note how it went. Raise SlackRefused."""
    _require_set_up()
    project = destination.project
    about = f"Findings of {project.name}" if project else "Findings of projects without a channel of their own"
    message = written(TestMessage(organization=organization.name, about=about, by=actor.name))
    try:
        slack_of(destination.workspace).send(destination.channel_id, message, key="test")
    except ChannelError as error:
        note_problem(destination=destination, error=error)
        raise SlackRefused(str(error)) from error
    note_success(destination=destination)


def channels_to_choose(workspace: SlackWorkspace) -> tuple[list[SlackChannelFound], bool]:
    """Return the workspace's channels, and whether there are more. Asks Slack. Raise SlackRefused."""
    _require_set_up()
    try:
        return slack_of(workspace).channels()
    except ChannelError as error:
        if error.word in OF_WORKSPACE:
            _note_on_workspace(workspace.pk, str(error))
        raise SlackRefused(str(error)) from error


def note_problem(*, destination: SlackDestination, error: ChannelError) -> None:
    """Show why a channel was not reached; what is wrong with the workspace is shown there."""
    if error.word in OF_WORKSPACE:
        _note_on_workspace(destination.workspace_id, str(error))
        return
    with transaction.atomic():
        SlackDestination.objects.filter(pk=destination.pk).update(problem=str(error)[:300])


def note_success(*, destination: SlackDestination) -> None:
    """Show no problem any more, since the channel was reached."""
    with transaction.atomic():
        SlackDestination.objects.filter(pk=destination.pk).exclude(problem="").update(problem="")
        SlackWorkspace.objects.filter(pk=destination.workspace_id).exclude(problem="").update(problem="")


def _note_on_workspace(workspace_id: int, problem: str) -> None:
    with transaction.atomic():
        SlackWorkspace.objects.filter(pk=workspace_id).update(problem=problem[:300])


def _entered(workspace: SlackWorkspace, channel_id: str) -> SlackChannelFound:
    """Return a channel in which the app is, having joined it where it is public."""
    _require_set_up()
    try:
        slack = slack_of(workspace)
        found = slack.channel(channel_id)
        if found.is_private and not found.is_member:
            raise SlackRefused("The channel is private: invite the app there in Slack, then choose it.")
        if not found.is_member:
            slack.join(channel_id)
    except ChannelError as error:
        raise SlackRefused(str(error)) from error
    return found


def _remove(row: SlackWorkspace, *, actor: Actor) -> None:
    SlackDestination.objects.filter(workspace=row).delete()
    SlackWorkspace.objects.filter(pk=row.pk).update(removed_at=timezone.now(), sealed_token="", problem="")
    record(Kind.SLACK_REMOVED, actor=actor, workspace_id=row.pk, name=row.team_name)


def _record_choice(row: SlackDestination, actor: Actor, **told: str | bool) -> None:
    project = row.project
    subject: dict[str, Any] = {"project": project.name if project else "", **told}
    record(Kind.SLACK_CHANNEL_CHOSEN, actor=actor, **subject)


def _require_set_up() -> None:
    if not is_set_up():
        raise SlackRefused("The operator of this server has not set Slack up yet.")
