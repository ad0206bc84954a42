"""The hosts of the conformance suite."""

from __future__ import annotations

from tests.contract.scm.conformance import HostUnderTest
from tests.contract.scm.github import GitHubByApp, GitHubByToken
from tests.contract.scm.gitlab import GitLabByToken

HOSTS: dict[str, type[HostUnderTest]] = {
    "github by app": GitHubByApp,
    "github by token": GitHubByToken,
    "gitlab": GitLabByToken,
}
