"""A verified fix applied to the files as they are now: exactly its edits, or a reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from findings.context import FindingContext, Span
from lib import diffs
from remediation import gates
from remediation.answers import FixAnswer
from remediation.gates.patching import FileChange
from remediation.pull_requests.requesting import NotPossible

LARGEST_FILE_BYTES = 1024 * 1024

TOO_LARGE = "{path} is larger than 1 MB, and is not changed from here."
MOVED_AWAY = (
    "The lines of the finding have changed on {branch} since the fix was verified, so it may not fit any more."
    " The next scan says whether the finding is still there."
)
CHANGED_AND_NOT_VERIFIED = "{files} changed on {branch} since the fix was verified, and there it is not: {why}"

Check = Callable[[FindingContext], gates.FixCheck]


@dataclass(frozen=True)
class Verified:
    """The fix as it was verified: its edits, and the files then (path -> text), None for one that is not known now."""

    answer: FixAnswer
    texts: Mapping[str, str | None]


def patched_files(
    *, context: FindingContext, verified: Verified, current: Mapping[str, str], branch: str, check: Check
) -> dict[str, str]:
    """Return the changed files (path -> text), each as it is but for the edits. Raise NotPossible.

    `context` is the finding where it was last seen, `current` the texts at the head of `branch`. Where a file is not
    what the fix was verified on, `check` runs the gates on it as it is now, and every one has to pass.
    """
    for path, text in current.items():
        if len(text.encode()) > LARGEST_FILE_BYTES:
            raise NotPossible(TOO_LARGE.format(path=path))
    changed = [path for path, text in current.items() if verified.texts.get(path) != text]
    if changed:
        found = check(_as_it_is_now(context, current, branch))
        if not found.is_verified:
            why = next(each.explanation for each in found.results if each.outcome is not gates.Outcome.PASSED)
            raise NotPossible(CHANGED_AND_NOT_VERIFIED.format(files=" and ".join(changed), branch=branch, why=why))
    return _applied(verified.answer, current)


def _applied(answer: FixAnswer, current: Mapping[str, str]) -> dict[str, str]:
    after = {}
    for path, text in current.items():
        edits = [diffs.Replacement(edit.old, edit.new) for edit in answer.edits if edit.path == path]
        try:
            after[path] = diffs.replace_each(text, edits)
        except diffs.EditError as error:
            raise NotPossible(f"In {path}, {error}.") from error
    after = {path: text for path, text in after.items() if text != current[path]}
    if not after:
        raise NotPossible("The change is there already.")
    return after


def _as_it_is_now(context: FindingContext, texts: Mapping[str, str], branch: str) -> FindingContext:
    source = texts.get(context.path, context.source)
    span = context.span if source == context.source or source is None else _moved(context, source)
    if span is None:
        raise NotPossible(MOVED_AWAY.format(branch=branch))
    read_other = context.read_file

    def read_file(path: str) -> str | None:
        return texts[path] if path in texts else read_other(path)

    return replace(context, source=source, span=span, read_file=read_file)


def _moved(context: FindingContext, source: str) -> Span | None:
    """Return where the finding's lines stand in its file now, None where they are not there as they were."""
    if context.source is None:
        return None
    numbers = range(context.span.start_line, context.span.end_line + 1)
    line_after = FileChange(context.path, context.source, source).line_after
    after = [line_after.get(number) for number in numbers]
    first = after[0]
    if first is None or after != list(range(first, first + len(after))):
        return None
    return replace(context.span, start_line=first, end_line=first + len(after) - 1)
