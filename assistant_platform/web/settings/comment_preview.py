"""Settings > Deployment > See how a comment looks: every form of comment, as each host is given it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

import orgs.selectors
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.rendering.comments import comment
from notifications.examples import Example, examples
from notifications.messages import StatusReport
from notifications.rendering import Dialect, render_comment, render_status
from orgs.permissions import Permission

HOSTS = ((Dialect.GITHUB, "GitHub"), (Dialect.GITLAB, "GitLab"))


@dataclass(frozen=True)
class Shown:
    """An example as people see it on the host, and as it is sent there."""

    example: Example
    html: SafeString
    source: str


@require_safe
@org_page(Permission.SETTINGS_MANAGE)
def comment_preview_page(request: OrgRequest) -> HttpResponse:
    """Show every form of comment with example data, in one host's Markdown."""
    dialect = Dialect.GITLAB if request.GET.get("host") == Dialect.GITLAB else Dialect.GITHUB
    settings = orgs.selectors.settings_of_organization()
    context = {
        "hosts": HOSTS,
        "dialect": dialect,
        "comments": [
            _shown(example, dialect)
            for example in examples(footer=settings.comment_footer, with_replies=settings.commands_in_replies)
        ],
        "status": (status := render_status(StatusReport.example())),
        "status_summary": comment(status.summary),
    }
    return render(request, "settings/comment_preview.html", context)


def _shown(example: Example, dialect: Dialect) -> Shown:
    body = render_comment(example.message, dialect=dialect)
    return Shown(example, comment(body), body)
