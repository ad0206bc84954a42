"""How good Built-in is on findings whose truth somebody wrote down; the file is the caller's and is not kept.

One JSON object a line: `finding` (a result of Semgrep's JSON), `source` (the text of its file), `truth` (`TP`, or `FP`;
other lines are left out), and, for figures by group, `repo` and `cwe`. A line with `label_suspect` says why its truth
is doubted, and is counted apart. A second file may hold what the code calls: `repo`, `path`, `text`.
"""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.contexts import context_of_result
from bench.measure import summary
from triage import facts
from triage.answers import Verdict


def bench(labelled: Path, further_files: Path | None = None) -> dict[str, Any]:
    """Judge each finding without a model and compare."""
    texts: dict[str, dict[str, str]] = defaultdict(dict)
    for entry in _lines(further_files) if further_files else ():
        texts[str(entry.get("repo", ""))][entry["path"]] = entry["text"]
    outcomes: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    wrong: list[str] = []
    taken: list[float] = []
    left_out = suspect = 0
    for entry in _lines(labelled):
        truth, finding = entry.get("truth"), entry.get("finding", {})
        if truth not in {"TP", "FP"} or "check_id" not in finding:
            left_out += 1
            continue
        if entry.get("label_suspect"):
            suspect += 1
            continue
        repo = str(entry.get("repo", ""))
        context = context_of_result(finding, source=entry["source"], read_file=texts[repo].get)
        began = time.perf_counter()
        verdict = facts.verdict_without_model(context, facts.gather(context)).verdict
        taken.append(time.perf_counter() - began)
        for group in ("all", f"repo {repo}", f"CWE-{entry.get('cwe', '?')}"):
            outcomes[group][truth, verdict.value] += 1
        if (truth, verdict) == ("TP", Verdict.FALSE_POSITIVE):
            wrong.append(str(entry.get("id", "")))
    figures = {group: _figures(counted) for group, counted in sorted(outcomes.items())}
    return {
        "left_out": left_out,
        "with_a_doubtful_label": suspect,
        "ms_a_finding": summary([seconds * 1000 for seconds in taken], digits=1),
        "true_positives_called_false": wrong,
        **figures,
    }


def _figures(counted: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Return the confusion matrix and what follows from it; None where nothing was called that."""

    def share(truth: str, verdict: Verdict) -> float | None:
        called = counted["TP", verdict.value] + counted["FP", verdict.value]
        return round(counted[truth, verdict.value] / called, 3) if called else None

    false_ones = sum(count for (truth, _), count in counted.items() if truth == "FP")
    found = counted["FP", Verdict.FALSE_POSITIVE.value]
    return {
        **{f"{truth} called {verdict}": counted[truth, verdict] for truth in ("TP", "FP") for verdict in Verdict},
        "precision_of_ignore": share("FP", Verdict.FALSE_POSITIVE),
        "precision_of_fix": share("TP", Verdict.TRUE_POSITIVE),
        "false_positives_found": round(found / false_ones, 3) if false_ones else None,
    }


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)
