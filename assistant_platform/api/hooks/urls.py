"""One address for each kind of code host; the key says whose it is."""

from __future__ import annotations

from django.urls import URLPattern, path

from assistant_platform.api.hooks.views import receive
from scm.models import HostKind

urlpatterns: list[URLPattern] = [
    path("github/<slug:key>", receive, {"kind": HostKind.GITHUB}, name="hook-github"),
    path("gitlab/<slug:key>", receive, {"kind": HostKind.GITLAB}, name="hook-gitlab"),
]
