"""Reading what is connected to Slack."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.db.models import F, Q, QuerySet

from lib.crypto import CannotDecrypt
from notifications.channels.base import ChannelError
from notifications.channels.slack_facts import SCOPES
from notifications.models import SlackDestination, SlackWorkspace
from tenancy.sealing import open_secrets

if TYPE_CHECKING:
    from notifications.channels.slack import Slack


def is_set_up() -> bool:
    """Whether the operator has told us which app of Slack's is ours."""
    return bool(settings.SLACK_CLIENT_ID and settings.SLACK_CLIENT_SECRET and settings.SLACK_SIGNING_SECRET)


def workspace() -> SlackWorkspace | None:
    """Return the organization's workspace, None where none is connected."""
    return SlackWorkspace.objects.filter(removed_at=None).order_by("-pk").first()


def destinations() -> QuerySet[SlackDestination]:
    """Return the channels that were chosen, the organization's first, then by project."""
    found = SlackDestination.objects.filter(workspace__removed_at=None).select_related("project", "workspace")
    return found.order_by(F("project__name").asc(nulls_first=True))


def destination_for(project_id: int) -> SlackDestination | None:
    """Return the channel that is told of a project: its own, or else the organization's."""
    found = destinations().filter(Q(project=project_id) | Q(project=None))
    return found.order_by(F("project").asc(nulls_last=True)).first()


def slack_of(row: SlackWorkspace) -> Slack:
    """Return what speaks to a workspace. Raise ChannelError where its token cannot be opened."""
    from notifications.channels.slack import Slack  # noqa: PLC0415  (the SDK, only where it is needed)

    try:
        token = str(open_secrets(row.sealed_token).get("token", ""))
    except CannotDecrypt as error:
        raise ChannelError(
            "The token cannot be opened with this server's keys. Add the app again.",
            permanent=True,
            word="token_revoked",
        ) from error
    return Slack(token=token, base_url=settings.SLACK_API_URL, bot_user_id=row.bot_user_id, team_id=row.team_id)


def origin_of_slack() -> str:
    """Return where people meet Slack, https://slack.com unless the operator says otherwise."""
    parts = urlsplit(settings.SLACK_API_URL)
    return f"{parts.scheme}://{parts.netloc}"


def authorize_url(*, state: str, redirect_url: str) -> str:
    """Return the address at which a person adds the app to a workspace."""
    asked = {
        "client_id": settings.SLACK_CLIENT_ID,
        "scope": ",".join(SCOPES),
        "redirect_uri": redirect_url,
        "state": state,
    }
    return f"{origin_of_slack()}/oauth/v2/authorize?{urlencode(asked)}"


def app_manifest() -> dict[str, object]:
    """Return what an operator pastes into Slack to make the app."""
    here = settings.PUBLIC_URL.rstrip("/")
    return {
        "display_information": {
            "name": "Assistant",
            "description": "Tells of findings that may be safe to ignore, and of new ones.",
        },
        "features": {"bot_user": {"display_name": "Assistant", "always_online": True}},
        "oauth_config": {"redirect_urls": [f"{here}/orgs/"], "scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {
                "request_url": f"{here}/hooks/slack/events",
                "bot_events": [
                    "app_uninstalled",
                    "tokens_revoked",
                    "channel_archive",
                    "channel_unarchive",
                    "channel_deleted",
                    "channel_rename",
                    "group_archive",
                    "group_unarchive",
                    "group_deleted",
                    "group_rename",
                ],
            },
            "interactivity": {"is_enabled": True, "request_url": f"{here}/hooks/slack/actions"},
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }
