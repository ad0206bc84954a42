"""The analysis itself: hand the report in, run the Jobs in this process, gather what they wrote."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction

import findings.services
import orgs.services
import scm.services
from assistant_platform.analyze.database import throw_away_servers
from assistant_platform.analyze.progress import Phase, Watch
from assistant_platform.analyze.request import InputError, Provider, Request
from assistant_platform.analyze.result import Result, in_order
from assistant_platform.embedded.errors import StartError
from assistant_platform.export import exported
from events.draining import drain
from events.kinds import SYSTEM, Actor, ActorKind
from findings.ingest.unpacking import ReportUnreadable
from findings.models import Finding, Scan, ScanState
from findings.selectors import every_finding
from findings.services import ScanDescription
from findings.uploads import UploadRefused
from lib.files import bytes_file
from providers.adapters import adapter_for
from providers.adapters.base import ProviderError
from providers.selectors import chosen, platform_choice
from tenancy.models import Organization
from tenancy.scope import acting_for

PROJECT = "analyze"
# Whoever typed `--provider openai` has chosen where the code goes.
OPERATOR = Actor(ActorKind.SYSTEM, "Whoever ran analyze")
FILES_NAMED = 3


def analyze(request: Request, watch: Watch) -> Result:
    """Analyse a report's findings and return them with what was found out. Raises InputError."""
    rules_yaml = request.rules_yaml()
    if request.report is None:
        watch.begin(Phase.SCANNING)
    with request.open_report() as report:
        if request.provider is Provider.OPENAI:
            watch.begin(Phase.PROVIDER)
            prove_provider()
        watch.begin(Phase.STARTING)
        settings.LOCAL_CODE_ROOTS = [request.repo]
        try:
            with throw_away_servers():
                return _analyze(request, report, rules_yaml, watch)
        except StartError as error:
            raise InputError(str(error)) from error


def prove_provider() -> None:
    """Ask the model a tiny question, so that a wrong key, model or address is known before anything else is done.

    Raises InputError for what only a change of settings can mend; what may pass by itself is left to the Jobs.
    """
    choice = platform_choice()
    assert choice is not None
    try:
        adapter_for(choice.adapter, choice.credentials).check()
    except ProviderError as error:
        if error.permanent:
            raise InputError(f"--provider openai: {error}") from error


def _analyze(request: Request, report: BinaryIO, rules_yaml: str, watch: Watch) -> Result:
    organization = _organization(request)
    with acting_for(organization.pk):
        watch.begin(Phase.INGESTING)
        scan = _hand_in(request, report, rules_yaml)
        with transaction.atomic():
            paths = list(Finding.objects.values_list("path", flat=True).distinct().order_by("path"))
        notes = list(_notes(request.repo, paths, scan.problems))
        watch.begin(Phase.ANALYSING)
        drain(threads=request.threads, patience_seconds=request.patience_seconds, on_progress=watch.show_jobs)
        watch.begin(Phase.GATHERING)
        with transaction.atomic():
            found = in_order(list(exported(every_finding())))
        watch.end()
        return Result(
            repo=request.repo,
            tool=scan.tool,
            provider=chosen().label,
            findings=found,
            problems=tuple(scan.problems),
            notes=tuple(notes),
            seconds=watch.seconds,
        )


def _organization(request: Request) -> Organization:
    admin = orgs.services.person("analyze@localhost.invalid")
    slug = f"analyze-{secrets.token_hex(8)}"  # guessed by nobody, and never seen
    organization = orgs.services.create_organization(slug=slug, name="analyze", admin=admin)
    with acting_for(organization.pk):
        orgs.services.change_settings(actor=OPERATOR, changes={"analyses_all_severities": True})
        if request.provider is Provider.OPENAI:
            orgs.services.give_consent(actor=OPERATOR)
    return organization


def _hand_in(request: Request, report: BinaryIO, rules_yaml: str) -> Scan:
    """Receive and ingest the report here, so that one that cannot be read ends the command at once."""
    with transaction.atomic():
        project = orgs.services.project_named(PROJECT, actor=SYSTEM)
        scm.services.connect_folder(project=project, folder=request.repo)
    try:
        scan = findings.services.receive_scan(
            description=ScanDescription(project=PROJECT, branch="main"),
            report=report,
            rule_file=bytes_file(rules_yaml) if rules_yaml else None,
            actor=SYSTEM,
        )
    except (ReportUnreadable, UploadRefused) as error:
        raise InputError(f"--report {request.report}: {error}") from error
    findings.services.ingest_scan(scan=scan)
    with transaction.atomic():
        scan = Scan.objects.get(pk=scan.pk)
    if scan.state == ScanState.FAILED:
        raise InputError(f"--report {request.report}: {scan.failure}")
    return scan


def _notes(repo: Path, paths: Sequence[str], problems: Sequence[str]) -> Iterator[str]:
    missing = [path for path in paths if not (repo / path).is_file()]
    if missing and len(missing) == len(paths):
        raise InputError(
            f"--repo {repo}: none of the files that the report names is there ({_named(missing)})."
            " Give the folder that Semgrep was run in."
        )
    if missing:
        yield (
            f"{len(missing)} of {len(paths)} files that the report names are not in {repo} ({_named(missing)});"
            " their findings are judged without code."
        )
    if problems:
        yield f"The report tells of {len(problems)} or more problems; the first: {problems[0]}"


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths[:FILES_NAMED]) + (", ..." if len(paths) > FILES_NAMED else "")
