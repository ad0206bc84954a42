"""How long the gates take to prove a fix, on the demo's findings and the fixes that recipes have for them."""

from __future__ import annotations

import time
from typing import Any

from bench.contexts import contexts_in
from bench.measure import summary
from bench.platform import ROOT
from remediation import gates
from remediation.recipes import fix_for
from rules.engine import scan_folder
from rules.engine.files import one_file

CODE, RULES = ROOT / "demo" / "shop", ROOT / "demo" / "rules"
TARGET_SECONDS = 1.5


def bench() -> dict[str, Any]:
    """Scan the demo, write each fix, and check it with all gates, the demo's other rules run too."""
    rule_files = sorted(RULES.glob("*.yaml"))
    rules_yaml = one_file(path.read_text(encoding="utf-8") for path in rule_files)
    began = time.perf_counter()
    report = scan_folder(CODE, rule_files)
    scanning = time.perf_counter() - began

    def read_file(path: str) -> str | None:
        file = CODE / path
        return file.read_text(encoding="utf-8") if file.is_file() else None

    contexts = list(contexts_in(report, read_file=read_file, rules_yaml=rules_yaml))
    writing, checking, verified = [], [], 0
    for context in contexts:
        began = time.perf_counter()
        fix = fix_for(context)
        writing.append(time.perf_counter() - began)
        if fix is None:
            continue
        began = time.perf_counter()
        check = gates.check(context=context, answer=fix, rule_yaml=context.rule.yaml, other_rules_yaml=rules_yaml)
        checking.append(time.perf_counter() - began)
        verified += check.is_verified
    return {
        "findings": len(contexts),
        "fixes": len(checking),
        "verified": verified,
        "scan_seconds": round(scanning, 2),
        "write_ms": summary([seconds * 1000 for seconds in writing], digits=1),
        "check_seconds": summary(checking),
        "target_seconds": TARGET_SECONDS,
    }
