"""The hosts of the conformance suite."""

from __future__ import annotations

from tests.contract.scm.conformance import HostUnderTest
from tests.contract.scm.github import GitHubByApp, GitHubByToken

HOSTS: dict[str, type[HostUnderTest]] = {"github by app": GitHubByApp, "github by token": GitHubByToken}
