"""One address for each kind of code host, the key says whose it is; and two for Slack, whose app is the server's."""

from __future__ import annotations

from django.urls import URLPattern, path

from assistant_platform.api.hooks import slack
from assistant_platform.api.hooks.views import receive
from scm.models import HostKind

urlpatterns: list[URLPattern] = [
    path("github/<slug:key>", receive, {"kind": HostKind.GITHUB}, name="hook-github"),
    path("gitlab/<slug:key>", receive, {"kind": HostKind.GITLAB}, name="hook-gitlab"),
    path("slack/actions", slack.actions, name="hook-slack-actions"),
    path("slack/events", slack.events, name="hook-slack-events"),
]
