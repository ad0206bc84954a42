"""As much of git as a merge request needs: commits, branches, what changed between two commits, line by line."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

ABSENT_MODE = "0"
SIMILAR = 0.5  # from here on, a removed and an added file are one that was renamed


@dataclass(frozen=True)
class File:
    """What lies at a path; a submodule has no content, but a commit of its own."""

    content: bytes
    is_executable: bool = False
    is_submodule: bool = False

    @property
    def blob_id(self) -> str:
        if self.is_submodule:
            return hashlib.sha1(b"submodule").hexdigest()
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def mode(self) -> str:
        if self.is_submodule:
            return "160000"
        return "100755" if self.is_executable else "100644"

    @property
    def is_binary(self) -> bool:
        return b"\0" in self.content


class Line(NamedTuple):
    """A line that a diff shows: its numbers on both sides, None where it does not stand, and its code's numbers."""

    old: int | None
    new: int | None
    code: tuple[int, int]


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff; `text` as GitLab shows it: hunks without a header of the file."""

    old_path: str
    new_path: str
    before: File | None
    after: File | None
    text: str
    lines: tuple[Line, ...]

    def code(self, line: Line) -> str:
        return f"{hashlib.sha1(self.new_path.encode()).hexdigest()}_{line.code[0]}_{line.code[1]}"


@dataclass(frozen=True)
class CommitRow:
    """A commit with all its files."""

    sha: str
    parents: tuple[str, ...]
    message: str
    tree: Mapping[str, File]


@dataclass
class Git:
    """A repository."""

    commits: dict[str, CommitRow] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(
        self, branch: str, files: Mapping[str, File | str | None], *, message: str = "Change", parent: str | None = None
    ) -> str:
        """Put a commit on a branch, which begins at `parent` where it is new; None removes a file."""
        before = self.branches.get(branch) or parent
        tree = dict(self.commits[before].tree) if before else {}
        for path, file in files.items():
            if file is None:
                del tree[path]
            else:
                tree[path] = file if isinstance(file, File) else File(file.encode())
        words = "\n".join((before or "", branch, message, str(len(self.commits)), *sorted(tree)))
        sha = hashlib.sha1(words.encode()).hexdigest()
        self.commits[sha] = CommitRow(sha, (before,) if before else (), message, tree)
        self.branches[branch] = sha
        return sha

    def resolve(self, ref: str) -> CommitRow | None:
        """Return the commit that a branch, HEAD or an id means."""
        return self.commits.get(self.branches.get(ref, ref))

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit that both have."""
        ancestors = set(self._ancestors(one))
        return next(sha for sha in self._ancestors(other) if sha in ancestors)

    def diff(self, before_sha: str, after_sha: str) -> list[FileDiff]:
        """Return what changed, file by file."""
        before, after = self.commits[before_sha].tree, self.commits[after_sha].tree
        removed = {path: file for path, file in before.items() if path not in after}
        found = []
        for path in sorted(after):
            if path in before:
                if before[path] != after[path]:
                    found.append(_file_diff(path, path, before[path], after[path]))
                continue
            old_path = _renamed_from(after[path], removed)
            found.append(_file_diff(old_path or path, path, removed.pop(old_path) if old_path else None, after[path]))
        found += [_file_diff(path, path, file, None) for path, file in removed.items()]
        return sorted(found, key=lambda each: each.new_path)

    def _ancestors(self, sha: str) -> Iterator[str]:
        waiting = [sha]
        while waiting:
            sha = waiting.pop(0)
            yield sha
            waiting += self.commits[sha].parents


def _renamed_from(file: File, removed: Mapping[str, File]) -> str | None:
    def likeness(path: str) -> float:
        return difflib.SequenceMatcher(None, removed[path].content, file.content).ratio()

    best = max(removed, key=likeness, default=None)
    return best if best is not None and likeness(best) >= SIMILAR else None


def _file_diff(old_path: str, new_path: str, before: File | None, after: File | None) -> FileDiff:
    if any(file and (file.is_binary or file.is_submodule) for file in (before, after)):
        return FileDiff(old_path, new_path, before, after, "", ())
    hunks = list(difflib.unified_diff(_lines(before), _lines(after), lineterm="\n", n=3))[2:]
    text = "".join(row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n" for row in hunks)
    return FileDiff(old_path, new_path, before, after, text, tuple(_numbered(hunks)))


def _lines(file: File | None) -> list[str]:
    text = file.content.decode() if file else ""
    return re.findall(r"[^\n]*\n|[^\n]+", text)  # git knows one end of a line only


def _numbered(hunks: list[str]) -> Iterator[Line]:
    old = new = 0
    for row in hunks:
        if row.startswith("@@"):
            old, new = (_first(part) for part in row.split()[1:3])
        elif row.startswith("+"):
            yield Line(None, new, (old, new))
            new += 1
        elif row.startswith("-"):
            yield Line(old, None, (old, new))
            old += 1
        else:
            yield Line(old, new, (old, new))
            old, new = old + 1, new + 1


def _first(part: str) -> int:
    return int(part[1:].partition(",")[0])
