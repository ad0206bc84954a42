"""Settings > Slack: a workspace is added by OAuth, channels are chosen and tried, and all of it taken back."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import notifications.slack.connecting
import notifications.slack.selectors
from assistant_platform.web.base import OrgRequest, org_page
from lib.text import is_id
from notifications.channels.slack_facts import SCOPES, SlackChannelFound
from notifications.models import SlackDestination, SlackWorkspace
from notifications.slack.connecting import SlackRefused
from orgs.models import Project
from orgs.permissions import Permission
from orgs.selectors import projects_visible_to

BEGUN = "slack_installs"  # in the session: when an install was begun and for which organization, by state
MOST_BEGUN = 5
LONGEST_SECONDS = 3600
CODE = re.compile(r"[A-Za-z0-9._-]{1,300}")
CHANNEL = re.compile(r"[A-Z0-9]{2,40}")
CHANNELS_A_PAGE = 50
# Slack lets an app list channels twenty times a minute.
LISTED_SECONDS = 120
NOT_OURS = (
    "This answer of Slack belongs to no install that was begun here, or came twice. Nothing was connected: begin again."
)


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE)
def slack_page(request: OrgRequest) -> HttpResponse:
    """Show the workspace and its channels; before there is one, how to come to it."""
    chosen = list(notifications.slack.selectors.destinations())
    context = {
        "is_set_up": notifications.slack.selectors.is_set_up(),
        "workspace": notifications.slack.selectors.workspace(),
        "of_organization": next((each for each in chosen if each.project_id is None), None),
        "of_projects": [each for each in chosen if each.project_id is not None],
        "projects": projects_visible_to(request.member).exclude(
            pk__in=[each.project_id for each in chosen if each.project_id is not None]
        ),
        "manifest": json.dumps(notifications.slack.selectors.app_manifest(), indent=2),
        "scopes": SCOPES,
    }
    response = render(request, "settings/slack/page.html", context)
    # *Add to Slack* is a form of ours that leads there.
    response._csp_update = {"form-action": [notifications.slack.selectors.origin_of_slack()]}  # type: ignore[attr-defined]  # django-csp reads it
    return response


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def add(request: OrgRequest) -> HttpResponse:
    """Send the browser to Slack, with a word that lets the answer back in once, in this session."""
    if not notifications.slack.selectors.is_set_up():
        messages.error(request, "The operator of this server has not set Slack up yet.")
        return _to_page(request)
    state = secrets.token_urlsafe(32)
    begun: dict[str, Any] = request.session.get(BEGUN, {})
    begun[state] = {"organization": request.member.organization_id, "at": int(time.time())}
    request.session[BEGUN] = dict(list(begun.items())[-MOST_BEGUN:])
    return redirect(
        notifications.slack.selectors.authorize_url(state=state, redirect_url=_redirect_url(request)),
    )


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
@sensitive_variables()
def installed(request: OrgRequest) -> HttpResponse:
    """Take over the workspace in which the app was added."""
    is_ours = _is_begun_here(request, request.GET.get("state", ""))
    if is_ours and request.GET.get("error"):
        messages.info(request, "Slack connected nothing: somebody declined there.")
        return _to_page(request)
    code = request.GET.get("code", "")
    if not is_ours or not CODE.fullmatch(code):
        messages.error(request, NOT_OURS)
        return _to_page(request)
    try:
        workspace = notifications.slack.connecting.connect(
            code=code, redirect_url=_redirect_url(request), actor=request.actor
        )
    except SlackRefused as refused:
        messages.error(request, f"Slack was not connected: {refused}")
    else:
        messages.success(request, f"Connected: {workspace}. Choose now which channel is told.")
    return _to_page(request)


@require_safe
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def channels(request: OrgRequest) -> HttpResponse:
    """List the workspace's channels to choose from, for a project or for all that have none of their own."""
    with transaction.atomic():
        workspace = notifications.slack.selectors.workspace()
        project = _project(request, request.GET.get("project", ""))
    if workspace is None:
        messages.error(request, "Connect a workspace first.")
        return _to_page(request)
    try:
        found, is_cut = _listed(workspace, is_fresh="fresh" in request.GET)
        problem = ""
    except SlackRefused as refused:
        found, is_cut, problem = [], False, str(refused)
    words = request.GET.get("q", "").strip()[:80].lower().removeprefix("#")
    matching = [each for each in found if words in each.name.lower()]
    number = request.GET.get("page", "1")
    page = max(int(number), 1) if is_id(number) else 1
    asked = {**({"project": project.pk} if project else {}), **({"q": words} if words else {})}
    context = {
        "workspace": workspace,
        "project": project,
        "words": words,
        "channels": matching[(page - 1) * CHANNELS_A_PAGE : page * CHANNELS_A_PAGE],
        "total": len(matching),
        "is_cut": is_cut,
        "problem": problem,
        "previous": f"?{urlencode({**asked, 'page': page - 1})}" if page > 1 else "",
        "next": f"?{urlencode({**asked, 'page': page + 1})}" if page * CHANNELS_A_PAGE < len(matching) else "",
    }
    with transaction.atomic():
        return render(request, "settings/slack/channels.html", context)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def choose(request: OrgRequest) -> HttpResponse:
    """Have a channel told."""
    with transaction.atomic():
        workspace = notifications.slack.selectors.workspace()
        project = _project(request, request.POST.get("project", ""))
    channel_id = request.POST.get("channel", "").strip()
    if workspace is None or not CHANNEL.fullmatch(channel_id):
        messages.error(request, "Choose a channel of a connected workspace.")
        return _to_page(request)
    try:
        chosen = notifications.slack.connecting.choose_channel(
            workspace=workspace, project=project, channel_id=channel_id, actor=request.actor
        )
    except SlackRefused as refused:
        messages.error(request, str(refused))
        asked = f"?{urlencode({'project': project.pk})}" if project else ""
        slug = request.member.organization.slug
        return redirect(f"{reverse('settings-slack-channels', kwargs={'slug': slug})}{asked}")
    messages.success(request, f"{chosen} is told from now on. Send a test message to see it.")
    return _to_page(request)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def change_destination(request: OrgRequest, destination_id: int) -> HttpResponse:
    """Change what a channel is told of."""
    destination = _destination(destination_id)
    notifications.slack.connecting.change_destination(
        destination=destination,
        tells_suggestions="suggestions" in request.POST,
        tells_new_findings="new_findings" in request.POST,
        actor=request.actor,
    )
    messages.success(request, f"Saved for {destination}.")
    return _to_page(request)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def send_test_message(request: OrgRequest, destination_id: int) -> HttpResponse:
    """Send a message that says that the channel is reached."""
    with transaction.atomic():
        destination = _destination(destination_id)
    try:
        notifications.slack.connecting.send_test_message(
            destination=destination, organization=request.member.organization, actor=request.actor
        )
    except SlackRefused as refused:
        messages.error(request, f"{destination} was not reached: {refused}")
    else:
        messages.success(request, f"The test message is in {destination}.")
    return _to_page(request)


@require_POST
@org_page(Permission.DESTINATIONS_MANAGE)
def remove_destination(request: OrgRequest, destination_id: int) -> HttpResponse:
    """Tell a channel nothing more."""
    destination = _destination(destination_id)
    notifications.slack.connecting.remove_destination(destination=destination, actor=request.actor)
    messages.success(request, f"{destination} is told nothing more.")
    return _to_page(request)


@require_http_methods(["GET", "HEAD", "POST"])
@org_page(Permission.DESTINATIONS_MANAGE, waits_for_network=True)
def disconnect(request: OrgRequest) -> HttpResponse:
    """Say what changes without Slack; sent, forget the workspace."""
    with transaction.atomic():
        workspace = notifications.slack.selectors.workspace()
        if workspace is not None and request.method != "POST":
            return render(request, "settings/slack/disconnect.html", {"workspace": workspace})
    if workspace is None:
        return _to_page(request)
    problem = notifications.slack.connecting.disconnect(workspace=workspace, actor=request.actor)
    messages.success(request, f"Disconnected: {workspace}. Its token is forgotten here.")
    if problem:
        messages.warning(request, f"Slack did not take the token back: {problem} Remove the app there yourself.")
    return _to_page(request)


def _listed(workspace: SlackWorkspace, *, is_fresh: bool) -> tuple[list[SlackChannelFound], bool]:
    key = f"slack-channels-{workspace.pk}-{workspace.installed_at.timestamp()}"
    found: tuple[list[SlackChannelFound], bool] | None = None if is_fresh else cache.get(key)
    if found is None:
        found = notifications.slack.connecting.channels_to_choose(workspace)
        cache.set(key, found, LISTED_SECONDS)
    return found


def _destination(destination_id: int) -> SlackDestination:
    found = notifications.slack.selectors.destinations().filter(pk=destination_id).first()
    if found is None:
        raise Http404
    return found


def _project(request: OrgRequest, word: str) -> Project | None:
    """Return the project of that id, None where none was named."""
    if not word:
        return None
    found = projects_visible_to(request.member).filter(pk=int(word)).first() if is_id(word) else None
    if found is None:
        raise Http404
    return found


def _redirect_url(request: OrgRequest) -> str:
    slug = request.member.organization.slug
    return settings.PUBLIC_URL.rstrip("/") + reverse("settings-slack-installed", kwargs={"slug": slug})


def _is_begun_here(request: OrgRequest, state: str) -> bool:
    """Tell whether an install was begun in this session for this organization, and forget that it was."""
    pending: dict[str, Any] = request.session.get(BEGUN, {})
    begun: dict[str, Any] | None = pending.get(state)
    if begun is None or begun["organization"] != request.member.organization_id:
        return False
    del pending[state]
    request.session[BEGUN] = pending
    request.session.save()  # before anybody is asked, so that the same answer again is known as such
    return bool(time.time() - begun["at"] < LONGEST_SECONDS)


def _to_page(request: OrgRequest) -> HttpResponse:
    return redirect("settings-slack", slug=request.member.organization.slug)
