"""Git objects in memory: files of a commit, folders as trees, and the differences that GitHub shows."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

FILE, PROGRAM, LINK, MODULE, FOLDER = "100644", "100755", "120000", "160000", "040000"
TYPES = {MODULE: "commit", FOLDER: "tree"}


@dataclass(frozen=True)
class Entry:
    """What stands at a path of a commit."""

    mode: str
    sha: str

    @property
    def type(self) -> str:
        return TYPES.get(self.mode, "blob")


Tree = dict[str, Entry]


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Difference:
    """A changed file; `patch` is None where GitHub shows no text."""

    path: str
    old_path: str
    status: str
    patch: str | None
    sha: str
    additions: int = 0
    deletions: int = 0
    lines: frozenset[int] = frozenset()  # of the new side, where a comment may stand
    hunks: tuple[frozenset[int], ...] = ()


@dataclass
class ObjectStore:
    """Blobs, trees (path to entry, all folders in one) and commits of a repository."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, Tree] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def blob(self, content: bytes) -> str:
        sha = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        self.blobs[sha] = content
        return sha

    def tree(self, entries: Tree) -> str:
        text = "".join(f"{path}\0{entry.mode}{entry.sha}\n" for path, entry in sorted(entries.items()))
        sha = hashlib.sha1(b"tree " + text.encode()).hexdigest()
        self.trees[sha] = dict(entries)
        return sha

    def commit(self, tree: str, parents: tuple[str, ...], message: str) -> str:
        sha = hashlib.sha1(f"commit {tree}{parents}{message}".encode()).hexdigest()
        self.commits[sha] = Commit(sha, tree, parents, message)
        return sha

    def files(self, commit: str) -> Tree:
        return self.trees[self.commits[commit].tree]

    def folder(self, tree: str) -> Tree:
        """Return what stands directly in a tree; each folder becomes a tree of its own."""
        inner: dict[str, Tree] = {}
        listed: Tree = {}
        for path, entry in self.trees[tree].items():
            name, slash, rest = path.partition("/")
            if slash:
                inner.setdefault(name, {})[rest] = entry
            else:
                listed[name] = entry
        return listed | {name: Entry(FOLDER, self.tree(entries)) for name, entries in inner.items()}

    def with_files(self, tree: Mapping[str, Entry], files: Mapping[str, str | bytes | Entry | None]) -> Tree:
        """Return a tree with files written, or removed (None); a file that is there keeps its mode."""
        result = dict(tree)
        for path, content in files.items():
            if content is None:
                result.pop(path, None)
            elif isinstance(content, Entry):
                result[path] = content
            else:
                mode = result[path].mode if path in result else FILE
                result[path] = Entry(mode, self.blob(content.encode() if isinstance(content, str) else content))
        return result

    def differences(self, base: str, head: str, renamed: Mapping[str, str]) -> list[Difference]:
        """Return the changed files in the order of their names; `renamed` maps new names to old ones."""
        before, after = self.files(base), self.files(head)
        gone = before.keys() - after.keys() - set(renamed.values())
        changed = [path for path, entry in after.items() if before.get(path) != entry]
        return [self._difference(path, before, after, renamed) for path in sorted({*changed, *gone})]

    def _difference(self, path: str, before: Tree, after: Tree, renamed: Mapping[str, str]) -> Difference:
        old_path = renamed.get(path, path)
        old, new = before.get(old_path), after.get(path)
        status = "removed" if new is None else "added" if old is None else "renamed" if path in renamed else "modified"
        sha = (new or old or Entry("", "")).sha
        old_text, new_text = self._text(old), self._text(new)
        if old_text is None or new_text is None:
            return Difference(path, old_path, status, None, sha)
        patch, hunks = _patch(old_text, new_text)
        rows = patch.split("\n")
        return Difference(
            path=path,
            old_path=old_path,
            status=status,
            patch=patch or None,
            sha=sha,
            additions=sum(row.startswith("+") for row in rows),
            deletions=sum(row.startswith("-") for row in rows),
            lines=frozenset().union(*hunks),
            hunks=hunks,
        )

    def _text(self, entry: Entry | None) -> str | None:
        if entry is None:
            return ""
        content = self.blobs.get(entry.sha)
        if content is None or b"\0" in content or len(content) > 1_000_000:
            return None
        return content.decode("utf-8", "replace")


def _patch(old: str, new: str) -> tuple[str, tuple[frozenset[int], ...]]:
    """Return the text that GitHub calls `patch` (no header of the file, no last line end) and the hunks' new lines."""
    rows: list[str] = []
    hunks: list[set[int]] = []
    before, after = old.split("\n"), new.split("\n")
    before_open, after_open = bool(before[-1]), bool(after[-1])
    before, after = [*before[:-1], *before[-1:][:before_open]], [*after[:-1], *after[-1:][:after_open]]
    marked_before = [*before[:-1], before[-1] + ("\0" if before_open else "")] if before else []
    marked_after = [*after[:-1], after[-1] + ("\0" if after_open else "")] if after else []
    number = 0
    for row in list(difflib.unified_diff(marked_before, marked_after, lineterm=""))[2:]:
        if row.startswith("@@"):
            number = int(row.split("+")[1].split(" ")[0].split(",")[0])
            hunks.append(set())
        elif not row.startswith("-"):
            hunks[-1].add(number)
            number += 1
        rows.append(row.removesuffix("\0"))
        if row.endswith("\0"):
            rows.append("\\ No newline at end of file")
    return "\n".join(rows), tuple(frozenset(hunk) for hunk in hunks)
