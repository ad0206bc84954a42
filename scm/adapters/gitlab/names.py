"""GitLab's words that its API and its webhooks share."""

from __future__ import annotations

import re

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
