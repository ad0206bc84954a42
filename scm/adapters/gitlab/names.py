"""What GitLab's words mean, in its API and in its webhooks."""

from __future__ import annotations

import re

# https://docs.gitlab.com/user/project/quick_actions/
# GitLab takes every CR away before it looks for them (lib/gitlab/quick_actions/extractor.rb).
COMMAND = re.compile(r"^(?=\r*/\r*[a-z_])", re.IGNORECASE | re.MULTILINE)

DRAFT = "Draft: "
DRAFT_MARK = re.compile(r"\s*(?:draft:|\[draft\]|\(draft\))\s*", re.IGNORECASE)

STATES = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}  # locked: it is being merged

# A project or group access token is a user of its own, and so is a service account:
# https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects
# https://docs.gitlab.com/user/profile/service_accounts/
BOT = re.compile(
    r"(?:project|group)_\d+_bot(?:_?[0-9a-z]+)?"
    r"|service_account_\w+"
    r"|(?:support|alert|migration|security|suggested_reviewers|automation|llm|duo_code_review)-?_?bot\d*"
    r"|.+[-_.]bot|.+\[bot\]",
    re.IGNORECASE,
)


def is_bot(username: str) -> bool:
    """Tell whether a user name is one that GitLab gives a bot, or that people give theirs."""
    return BOT.fullmatch(username) is not None


def without_commands(text: str) -> str:
    """Return a text of which GitLab runs nothing, such as `/merge`: a blank before it makes it words.

    A line of a comment or description that begins so is done with our rights, and what comments say is in part what
    others wrote. In code blocks it should be left alone, but older versions mistake where these end.
    """
    return COMMAND.sub(" ", text)


def title_of(written: str, *, is_draft: bool) -> str:
    """Return a merge request's title without what only says that it is a draft."""
    mark = DRAFT_MARK.match(written) if is_draft else None
    return written[mark.end() :] if mark and mark.end() < len(written) else written
