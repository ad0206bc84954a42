"""The repositories of a code host: listed from there, chosen and let go of."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import orgs.selectors
import scm.selectors
import scm.services
from assistant_platform.web.base import OrgRequest, org_page
from assistant_platform.web.settings.code_hosts.base import host_or_404
from orgs.models import Project
from orgs.permissions import Permission
from scm.adapters.base import ScmError
from scm.listing import Listed, repositories_of
from scm.models import CodeHost, Repository
from scm.services import RepositoryRefused

PAGE_SIZE = 50
LONGEST_SEARCH = 200


@dataclass(frozen=True)
class RepositoryRow:
    """A repository as the list shows it: as the host has it, as it was chosen, or both."""

    name: str
    web_url: str
    reference: str  # how the host finds it
    is_private: bool
    is_archived: bool
    chosen: Repository | None


@require_safe
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def repositories_page(request: OrgRequest, host_id: int) -> HttpResponse:
    """List what a host shows us, or only what was chosen, in which case nobody is asked."""
    with transaction.atomic():
        host = host_or_404(host_id)
    words = request.GET.get("q", "").replace("\0", "")[:LONGEST_SEARCH]
    problem, listed = "", None
    if request.GET.get("show") != "chosen":
        try:
            listing = repositories_of(host, is_fresh=request.GET.get("fresh") == "yes")
            listed, problem = listing.matching(words), listing.problem
        except ScmError as error:
            problem = str(error)
    number = request.GET.get("page", "1")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1  # noqa: PLR2004
    with transaction.atomic():
        rows, total = _chosen_rows(host, words, page) if listed is None else _listed_rows(host, listed, page)
        context = {
            "host": host,
            "rows": rows,
            "total": total,
            "words": words,
            "problem": problem,
            "only_chosen": request.GET.get("show") == "chosen",
            "is_reached": listed is not None,
            "previous": _page_address(words, request, page - 1) if page > 1 else "",
            "next": _page_address(words, request, page + 1) if page * PAGE_SIZE < total else "",
            "install_url": scm.selectors.install_url(host),
            "has_installations": not host.is_app or scm.selectors.usable_installations(host).exists(),
        }
        return render(request, "settings/code_hosts/repositories.html", context)


@require_POST
@never_cache
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def connect(request: OrgRequest, host_id: int) -> HttpResponse:
    """Connect a repository to the project of its name, made where there is none."""
    with transaction.atomic():
        host = host_or_404(host_id)
    name = request.POST.get("repository", "")
    return _connect(request, host, name, project=None, back=_list_of(request, host))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def move(request: OrgRequest, project_id: int) -> HttpResponse:
    """Say where a project's code is read; sent, connect it to another repository."""
    with transaction.atomic():
        visible = orgs.selectors.projects_visible_to(request.member)
        project = get_object_or_404(visible, pk=project_id)
        hosts = list(scm.selectors.code_hosts())
        if request.method != "POST":
            return _move_form(request, project, hosts)
    wanted = next((host for host in hosts if str(host.pk) == request.POST.get("host")), None)
    if wanted is None:
        with transaction.atomic():
            return _move_form(request, project, hosts, problem="Choose a code host.", status=422)
    back = reverse("project", kwargs={"slug": request.member.organization.slug, "project_id": project.pk})
    return _connect(request, wanted, request.POST.get("repository", ""), project=project, back=back)


@require_POST
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def disconnect(request: OrgRequest, repository_id: int) -> HttpResponse:
    """Read nothing from a repository any more."""
    repository = _repository_or_404(repository_id)
    problem = scm.services.disconnect_repository(repository=repository, actor=request.actor)
    messages.success(request, f"Disconnected: {repository}. Its project {repository.project} stays.")
    if problem:
        messages.warning(request, f"The webhook there could not be removed: {problem}")
    assert repository.host is not None
    return redirect(_list_of(request, repository.host))


@require_POST
@never_cache
@org_page(Permission.CODE_HOSTS_MANAGE, waits_for_network=True)
def set_up_webhook(request: OrgRequest, repository_id: int) -> HttpResponse:
    """Try again to have the host send webhooks for a repository."""
    repository = _repository_or_404(repository_id)
    assert repository.host is not None
    back = _list_of(request, repository.host)
    if problem := scm.services.set_up_webhook(repository=repository):
        return _by_hand(request, repository, problem, back)
    messages.success(request, f"{repository.host} sends webhooks for {repository}.")
    return redirect(back)


# --- Connecting -------------------------------------------------------------------------------------------------------


def _connect(request: OrgRequest, host: CodeHost, name: str, *, project: Project | None, back: str) -> HttpResponse:
    try:
        connected = scm.services.connect_repository(host=host, name=name, actor=request.actor, project=project)
    except (RepositoryRefused, ScmError) as error:
        messages.error(request, f"{name[:100] or 'The repository'} is not connected. {error}")
        return redirect(back)
    new = " It is new." if connected.is_new_project else ""
    messages.success(request, f"Connected: {connected.repository} to the project {connected.repository.project}.{new}")
    if connected.webhook_problem:
        return _by_hand(request, connected.repository, connected.webhook_problem, back)
    return redirect(back)


def _by_hand(request: OrgRequest, repository: Repository, problem: str, back: str) -> HttpResponse:
    """Answer with what somebody has to enter at the host, where we may not."""
    assert repository.host is not None
    with transaction.atomic():
        context = {
            "host": repository.host,
            "repository": repository,
            "problem": problem,
            "back": back,
            "hook_url": scm.selectors.hook_url(repository.host),
            "secret": scm.services.webhook_secret_of(repository.host),
        }
        return render(request, "settings/code_hosts/webhook.html", context)


def _repository_or_404(repository_id: int) -> Repository:
    with transaction.atomic():
        found = scm.selectors.repositories_of_hosts().filter(pk=repository_id).first()
    if found is None:
        raise Http404
    return found


# --- Showing ----------------------------------------------------------------------------------------------------------


def _listed_rows(host: CodeHost, listed: list[Listed], page: int) -> tuple[list[RepositoryRow], int]:
    shown = listed[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    ids = [each.external_id for each in shown]
    chosen = {row.external_id: row for row in scm.selectors.repositories_on(host).filter(external_id__in=ids)}
    rows = [
        RepositoryRow(
            each.full_name,
            each.web_url,
            each.external_id,
            each.is_private,
            each.is_archived,
            chosen.get(each.external_id),
        )
        for each in shown
    ]
    return rows, len(listed)


def _chosen_rows(host: CodeHost, words: str, page: int) -> tuple[list[RepositoryRow], int]:
    found = scm.selectors.repositories_on(host)
    for word in words.split():
        found = found.filter(full_name__icontains=word)
    rows = [
        RepositoryRow(row.full_name, row.web_url, row.external_id, row.is_private, row.is_archived, row)
        for row in found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    ]
    return rows, found.count()


def _page_address(words: str, request: OrgRequest, page: int) -> str:
    show = {"show": "chosen"} if request.GET.get("show") == "chosen" else {}
    return "?" + urlencode({**({"q": words} if words else {}), **show, "page": page})


def _list_of(request: OrgRequest, host: CodeHost) -> str:
    slug = request.member.organization.slug
    address = reverse("settings-code-hosts-repositories", kwargs={"slug": slug, "host_id": host.pk})
    kept = {name: request.POST[name] for name in ("q", "page", "show") if request.POST.get(name)}
    return f"{address}?{urlencode(kept)}" if kept else address


def _move_form(
    request: OrgRequest, project: Project, hosts: list[CodeHost], *, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "project": project,
        "hosts": hosts,
        "current": scm.selectors.repository_of(project),
        "problem": problem,
        "typed": request.POST.get("repository", "")[:400],
    }
    return render(request, "settings/code_hosts/move.html", context, status=status)
