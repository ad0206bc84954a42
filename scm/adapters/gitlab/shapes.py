"""The parts of GitLab's answers that we read, and what they are in our words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import TypeVar

from gitlab.base import RESTObject
from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from scm.adapters.base import ScmError, with_an_end
from scm.adapters.gitlab.names import STATES, is_bot, title_of
from scm.adapters.values import ExistingComment, PullRequestFacts, Reply, RepositoryFacts

ShapeT = TypeVar("ShapeT", bound=BaseModel)


def read(shape: type[ShapeT], answer: object) -> ShapeT:
    """Return what GitLab answered, or raise ScmError where it is not what its API describes."""
    attributes = answer.attributes if isinstance(answer, RESTObject) else answer
    try:
        return shape.model_validate(attributes)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors()[:5])
        words = f"GitLab's answer is not as its API describes it, at: {places[:200]}. Is its version older than 16?"
        raise ScmError(words, permanent=True) from None


def read_all(shape: type[ShapeT], answers: Iterable[object]) -> Iterator[ShapeT]:
    """Yield each entry of a list, page by page."""
    for answer in with_an_end(answers):
        yield read(shape, answer)


class User(BaseModel):
    """Somebody."""

    id: int
    username: str
    state: str = "active"


class Member(User):
    """Somebody in a project; 30 is Developer, 40 Maintainer."""

    access_level: int


class Token(BaseModel):
    """An access token, as it may ask about itself."""

    scopes: list[str]
    expires_at: date | None = None


class Project(BaseModel):
    """A project."""

    id: int
    path_with_namespace: str
    web_url: str
    default_branch: str | None = None  # none in an empty repository
    visibility: str = "private"
    archived: bool = False

    def facts(self) -> RepositoryFacts:
        """Return it in our words."""
        return RepositoryFacts(
            external_id=str(self.id),
            full_name=self.path_with_namespace,
            web_url=self.web_url,
            default_branch=self.default_branch or "",
            is_private=self.visibility != "public",
            is_archived=self.archived,
        )


class File(BaseModel):
    """A file at a commit."""

    size: int
    content: Base64Bytes
    blob_id: str


class TreeEntry(BaseModel):
    """What lies in a folder; `mode` is git's, 120000 of a link."""

    path: str
    mode: str


class _Commit(BaseModel):
    id: str


class Branch(BaseModel):
    """A branch."""

    commit: _Commit


class DiffRefs(BaseModel):
    """The commits that a diff is between."""

    base_sha: str | None = None


class MergeRequest(BaseModel):
    """A merge request; lists lack `diff_refs`."""

    iid: int
    title: str
    state: str
    draft: bool | None = None
    work_in_progress: bool = False
    source_project_id: int | None  # null once the fork is gone
    target_project_id: int
    source_branch: str
    target_branch: str
    sha: str | None = None
    diff_refs: DiffRefs | None = None  # null while GitLab still makes the diff
    author: User | None = None
    web_url: str
    updated_at: datetime | None = None

    @property
    def is_draft(self) -> bool:
        """Whether its title says so; older GitLabs called it work in progress."""
        return self.work_in_progress if self.draft is None else self.draft

    @property
    def is_from_fork(self) -> bool:
        """Whether its branch is in another project."""
        return self.source_project_id != self.target_project_id

    def facts(self) -> PullRequestFacts:
        """Return it in our words."""
        return PullRequestFacts(
            number=str(self.iid),
            title=title_of(self.title, is_draft=self.is_draft),
            state=STATES.get(self.state, "closed"),
            is_draft=self.is_draft,
            is_from_fork=self.is_from_fork,
            head_branch=self.source_branch,
            head_sha=self.sha or "",
            base_branch=self.target_branch,
            base_sha=(self.diff_refs.base_sha if self.diff_refs else None) or "",
            author=self.author.username if self.author else "",
            web_url=self.web_url,
            changed_at=self.updated_at,
        )


class Diff(BaseModel):
    """A file of a diff; no text where GitLab folds it (`collapsed`) or leaves it out (`too_large`)."""

    old_path: str
    new_path: str
    diff: str | None = ""
    new_file: bool = False
    renamed_file: bool = False
    deleted_file: bool = False
    collapsed: bool | None = False
    too_large: bool | None = False


class Version(BaseModel):
    """A merge request's diff after a push; lists lack `diffs`."""

    id: int
    head_commit_sha: str
    base_commit_sha: str
    start_commit_sha: str
    diffs: list[Diff] = Field(default_factory=list)


class Position(BaseModel):
    """Where a note stands in a diff."""

    new_path: str | None = None
    old_path: str | None = None
    new_line: int | None = None


class Note(BaseModel):
    """One note of a thread."""

    id: int
    body: str
    author: User | None = None
    created_at: datetime | None = None
    system: bool = False
    position: Position | None = None
    resolved: bool | None = False


class Discussion(BaseModel):
    """A thread, or a note alone."""

    id: str
    notes: list[Note]

    def comment(self, *, our_id: str, page: str) -> ExistingComment | None:
        """Return the thread as people see it; None for what GitLab wrote itself, such as "added 1 commit"."""
        notes = [note for note in self.notes if not note.system]
        if not notes:
            return None
        first, place = notes[0], notes[0].position or Position()
        return ExistingComment(
            comment_id=str(first.id),
            thread_id=self.id,
            body=first.body,
            author=_name(first),
            is_ours=_is_by(our_id, first),
            web_url=address_of(page, first.id),
            path=place.new_path or place.old_path or "",
            line=place.new_line,
            is_resolved=bool(first.resolved),
            created_at=first.created_at,
            replies=tuple(
                Reply(str(note.id), _name(note), is_ours=_is_by(our_id, note), is_bot=is_bot(_name(note)))
                for note in notes[1:]
            ),
        )


class Hook(BaseModel):
    """A project's webhook."""

    id: int
    url: str


class Numbered(BaseModel):
    """Anything of which the number matters only."""

    id: int


class Status(Numbered):
    """A commit status."""

    name: str


class NewCommit(BaseModel):
    """A commit that was just made."""

    id: str


def address_of(page: str, note_id: int) -> str:
    """Return where people read a note of the merge request on that page."""
    return f"{page}#note_{note_id}"


def _name(note: Note) -> str:
    return note.author.username if note.author else ""


def _is_by(our_id: str, note: Note) -> bool:
    return note.author is not None and str(note.author.id) == our_id
