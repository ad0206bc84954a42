"""What is known of Slack without its client: scopes, what its words mean, and what it tells of workspaces."""

from __future__ import annotations

from dataclasses import dataclass, field

# What an app of ours asks for, each with what it is needed for.
SCOPES = {
    "chat:write": "sends and edits messages",
    "channels:read": "lists public channels, so that one can be chosen",
    "groups:read": "lists the private channels that the app was invited to",
    "channels:join": "joins the public channel that was chosen",
    "channels:history": "finds its own message again after a crash, so that none is sent twice",
    "groups:history": "does the same in private channels",
    "users:read": "learns who pressed a button",
    "users:read.email": "learns that person's e-mail address, by which they are matched to a member here",
}

IN_WORDS = {
    "channel_not_found": "The channel is gone, or the app was not invited to it. Invite the app, or choose another.",
    "not_in_channel": "The app is not in the channel. Invite it there, or choose another.",
    "is_archived": "The channel is archived. Unarchive it in Slack, or choose another.",
    "restricted_action": "The workspace does not let the app post in this channel. Choose another.",
    "restricted_action_read_only_channel": "The channel is read-only. Choose another.",
    "account_inactive": "The app was uninstalled in Slack. Add it again.",
    "token_revoked": "The app's token was revoked in Slack. Add the app again.",
    "token_expired": "The app's token has expired. Add the app again.",
    "invalid_auth": "Slack does not know the app's token. Add the app again.",
    "not_authed": "Slack was given no token. Add the app again.",
    "missing_scope": "The app lacks a permission in Slack. Compare its scopes with the manifest, and add it again.",
    "access_denied": "Somebody declined in Slack. Nothing was connected.",
    "invalid_code": "Slack does not know this code, or it was used before. Begin again.",
    "code_already_used": "This answer of Slack was used before. Begin again.",
    "bad_redirect_uri": "The app's redirect URL in Slack does not lead here. Compare it with the manifest.",
    "bad_client_secret": "SLACK_CLIENT_SECRET is wrong. The operator of this server can correct it.",
    "invalid_client_id": "SLACK_CLIENT_ID is wrong. The operator of this server can correct it.",
}
# The workspace as a whole is meant, not one channel of it.
OF_WORKSPACE = frozenset(
    {"account_inactive", "token_revoked", "token_expired", "invalid_auth", "not_authed", "missing_scope"}
)
TEMPORARY = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)


@dataclass(frozen=True)
class Installed:
    """What Slack hands over when somebody has added the app."""

    team_id: str
    team_name: str
    app_id: str
    bot_user_id: str
    token: str = field(repr=False)
    scopes: str


@dataclass(frozen=True)
class SlackChannelFound:
    """A channel of a workspace that may be chosen."""

    channel_id: str
    name: str
    is_private: bool
    is_member: bool


@dataclass(frozen=True)
class SlackPerson:
    """Somebody in Slack; `email` is empty where it is not known or not proved, or they belong to another workspace."""

    user_id: str
    email: str
