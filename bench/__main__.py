"""`python -m bench [name ...]`: run some or all measurements and print them as one JSON object."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from bench.measure import machine
from bench.platform import running_platform

# name -> (module with a function `bench`, whether it wants the servers)
BENCHES = {
    "import": ("bench.imports", True),
    "pages": ("bench.pages", True),
    "dashboard": ("bench.dashboard", True),
    "semgrep_ci": ("bench.semgrep_ci", True),
    "rules": ("bench.rules", True),
    "webhooks": ("bench.webhooks", True),
    "worker": ("bench.worker", True),
    "fairness": ("bench.fairness", True),
    "comments": ("bench.comments", True),
    "fixes": ("bench.fixes", False),
    "start": ("bench.start", False),
    "labelled": ("bench.labelled", False),
}


def main(words: Sequence[str]) -> int:
    """Run what is named; all but `labelled` without a name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"some of: {', '.join(BENCHES)} (default: all)")
    parser.add_argument("--labelled", type=Path, metavar="FILE", help="findings with their truth; docs/command-line.md")
    parser.add_argument("--labelled-files", type=Path, metavar="FILE", help="further files that they call")
    asked = parser.parse_args(words)
    if unknown := sorted(set(asked.names) - set(BENCHES)):
        parser.error(f"there is no {', '.join(unknown)}; choose from {', '.join(BENCHES)}")
    names = asked.names or [name for name in BENCHES if name != "labelled" or asked.labelled]
    if "labelled" in names and asked.labelled is None:
        parser.error("labelled needs --labelled FILE")
    arguments = {"labelled": (asked.labelled, asked.labelled_files)}
    results: dict[str, Any] = {"machine": machine()}
    wants_servers = any(BENCHES[name][1] for name in names)
    with running_platform() if wants_servers else nullcontext():
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            began = time.perf_counter()
            module = importlib.import_module(BENCHES[name][0])
            results[name] = module.bench(*arguments.get(name, ()))
            print(f"{name} took {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)
    print(json.dumps(results, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
