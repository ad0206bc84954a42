"""The hosts of the conformance suite."""

from __future__ import annotations

from tests.contract.code_hosts.github import GitHubByApp, GitHubByToken
from tests.contract.scm_conformance import HostUnderTest

HOSTS: dict[str, type[HostUnderTest]] = {"github by app": GitHubByApp, "github by token": GitHubByToken}
