"""Where a memory holds: conditions that a finding must meet, all of them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from findings.models import Finding
from memories.models import Memory
from orgs.models import Project
from orgs.settings.catalogue import WrongValue, cwes
from rules.models import Rule

LONGEST_PREFIX = 500


class ScopeUnusable(Exception):
    """A scope that no finding could meet, or that says nothing; the text says what would do."""


@dataclass(frozen=True)
class Scope:
    """Conditions on a finding; what is None or empty asks nothing. `path_prefix` is a folder or file, POSIX."""

    project: Project | None = None
    rule: Rule | None = None
    project_tag: str = ""
    path_prefix: str = ""
    cwe: str = ""

    @classmethod
    def of_finding(cls, finding: Finding) -> Scope:
        """Return the scope a memory has unless somebody chooses another: the finding's rule in its project."""
        return cls(project=finding.project, rule=finding.rule)

    @classmethod
    def of(cls, memory: Memory) -> Scope:
        """Return a memory's scope."""
        return cls(
            project=memory.project,
            rule=memory.rule,
            project_tag=memory.project_tag,
            path_prefix=memory.path_prefix,
            cwe=memory.cwe,
        )

    def checked(self) -> Scope:
        """Return the scope as it is stored. Raise ScopeUnusable."""
        if self.project is not None and self.project_tag:
            raise ScopeUnusable("Choose one project or a project tag, not both.")
        if self.rule is not None and self.cwe:
            raise ScopeUnusable("Choose one rule or a CWE, not both.")
        return Scope(
            project=self.project,
            rule=self.rule,
            project_tag=self.project_tag.strip(),
            path_prefix=_plain_prefix(self.path_prefix),
            cwe=_one_cwe(self.cwe),
        )

    def holds_for_path(self, path: str) -> bool:
        """Tell whether a path lies in the folder, or is the file, of the prefix."""
        prefix = self.path_prefix
        return not prefix or path == prefix or path.startswith(prefix.rstrip("/") + "/")

    @property
    def conditions(self) -> int:
        """How many conditions there are: of two memories the one with more is the more specific."""
        return sum(map(bool, (self.project, self.rule, self.project_tag, self.path_prefix, self.cwe)))

    @property
    def in_words(self) -> str:
        """The scope as people read it."""
        of_cwe = f"findings of {self.cwe}" if self.cwe else "every rule"
        what = self.rule.name if self.rule is not None else of_cwe
        with_tag = f"projects tagged {self.project_tag}" if self.project_tag else "all projects"
        where = self.project.name if self.project is not None else with_tag
        return f"{what} in {where}" + (f", below {self.path_prefix}" if self.path_prefix else "")

    def as_row(self) -> dict[str, object]:
        """Return the scope as the columns of a Memory."""
        return {
            "project": self.project,
            "rule": self.rule,
            "project_tag": self.project_tag,
            "path_prefix": self.path_prefix,
            "cwe": self.cwe,
        }

    def as_history(self) -> dict[str, str]:
        """Return the scope as history and YAML keep it: by names, since numbers mean nothing elsewhere."""
        return {
            "project": self.project.name if self.project else "",
            "rule": self.rule.identifier if self.rule else "",
            "project_tag": self.project_tag,
            "path_prefix": self.path_prefix,
            "cwe": self.cwe,
        }


def _plain_prefix(prefix: str) -> str:
    prefix = prefix.strip()
    if not prefix:
        return ""
    if "\\" in prefix or "\0" in prefix or ".." in prefix.split("/") or len(prefix) > LONGEST_PREFIX:
        raise ScopeUnusable("Give the path as the repository has it, for example src/admin, with forward slashes.")
    plain = posixpath.normpath(prefix.lstrip("/"))
    return "" if plain == "." else plain


def _one_cwe(given: str) -> str:
    if not given.strip():
        return ""
    try:
        found = cwes(given)
    except WrongValue as error:
        raise ScopeUnusable(str(error)) from error
    if " " in found:
        raise ScopeUnusable("Name one CWE.")
    return found
