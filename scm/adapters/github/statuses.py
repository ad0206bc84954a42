"""What is shown at a commit: a check run by an App, with remarks at lines; a commit status by a token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scm.adapters.base import NotThere
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import translated
from scm.adapters.values import Annotation, StatusDraft, StatusState

# https://docs.github.com/en/rest/checks/runs and .../commits/statuses
MOST_ANNOTATIONS = 50
LONGEST_SUMMARY = 65_000
LONGEST_MESSAGE = 60_000
LONGEST_TITLE = 255
LONGEST_DESCRIPTION = 140
# A commit status knows no neutral; a failure would stop a merge.
COMMIT_STATES = {StatusState.NEUTRAL: "success"}


def show_check_run(api: Api, at: str, sha: str, draft: StatusDraft, external_id: str) -> str:
    """Change the check run `external_id` where that can be done, or show a new one; return its id.

    GitHub adds annotations and takes none away, so that a run with others is left behind: of runs of one name it shows
    the newest.
    """
    shape = _check_run(draft)
    run = _changeable(api, at, sha, draft, external_id)
    left = list(draft.annotations)
    if run is None:
        first, left = left[:MOST_ANNOTATIONS], left[MOST_ANNOTATIONS:]
        shape["output"]["annotations"] = [_annotation(each) for each in first]
        told = api.send("POST", f"{at}/check-runs", {**shape, "head_sha": sha})
    else:
        if run.output.annotations_count:
            left = []  # they are there already
        first, left = left[:MOST_ANNOTATIONS], left[MOST_ANNOTATIONS:]
        shape["output"]["annotations"] = [_annotation(each) for each in first]
        told = api.send("PATCH", f"{at}/check-runs/{run.id}", shape)
    with translated():
        number = answers.Numbered.model_validate(told).id
    while left:
        batch, left = left[:MOST_ANNOTATIONS], left[MOST_ANNOTATIONS:]
        output = {**_output(draft), "annotations": [_annotation(each) for each in batch]}
        api.send("PATCH", f"{at}/check-runs/{number}", {"output": output})
    return str(number)


def _changeable(api: Api, at: str, sha: str, draft: StatusDraft, external_id: str) -> answers.CheckRun | None:
    if not external_id:
        return None
    try:
        told = api.get(f"{at}/check-runs/{int(external_id)}")
    except NotThere:
        return None
    with translated():
        run = answers.CheckRun.model_validate(told)
        if run.head_sha != sha or (run.status == "completed" and draft.state is StatusState.PENDING):
            return None
        if not run.output.annotations_count:
            return run
        shown = [answers.CheckAnnotation.model_validate(each) for each in _shown(api, at, run)]
    wanted = [_comparable(answers.CheckAnnotation.model_validate(_annotation(each))) for each in draft.annotations]
    return run if sorted(map(_comparable, shown)) == sorted(wanted) else None


def _shown(api: Api, at: str, run: answers.CheckRun) -> Sequence[dict[str, Any]]:
    return list(api.pages(f"{at}/check-runs/{run.id}/annotations"))


def _comparable(each: answers.CheckAnnotation) -> tuple[str, ...]:
    place = (each.path, str(each.start_line), str(each.end_line))
    return (*place, each.annotation_level or "", each.title or "", each.message or "")


def _check_run(draft: StatusDraft) -> dict[str, Any]:
    shape: dict[str, Any] = {"name": draft.name, "output": _output(draft)}
    if draft.details_url:
        shape["details_url"] = draft.details_url
    if draft.state is StatusState.PENDING:
        return shape | {"status": "in_progress"}
    return shape | {"status": "completed", "conclusion": str(draft.state)}


def _output(draft: StatusDraft) -> dict[str, Any]:
    return {"title": draft.title[:LONGEST_TITLE], "summary": draft.summary[:LONGEST_SUMMARY]}


def _annotation(each: Annotation) -> dict[str, Any]:
    return {
        "path": each.path,
        "start_line": each.start_line,
        "end_line": each.end_line,
        "annotation_level": each.level,
        "title": each.title[:LONGEST_TITLE],
        "message": each.message[:LONGEST_MESSAGE],
    }


def show_commit_status(api: Api, at: str, sha: str, draft: StatusDraft) -> str:
    """Show a commit status and return its id; GitHub shows the newest of one name."""
    title = draft.title
    shape = {
        "state": COMMIT_STATES.get(draft.state, str(draft.state)),
        "context": draft.name,
        "description": title if len(title) <= LONGEST_DESCRIPTION else f"{title[: LONGEST_DESCRIPTION - 1]}…",
        **({"target_url": draft.details_url} if draft.details_url else {}),
    }
    told = api.send("POST", f"{at}/statuses/{sha}", shape)
    with translated():
        return str(answers.Numbered.model_validate(told).id)
