"""A large Semgrep report made up here: the same seed gives the same bytes."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

FINDINGS_A_FILE = 5
RULES = 120
WEAKNESSES = {
    "query-from-input": ("CWE-89", "A03:2021"),
    "page-from-input": ("CWE-79", "A03:2021"),
    "command-from-input": ("CWE-78", "A03:2021"),
    "path-from-input": ("CWE-22", "A01:2021"),
    "short-key": ("CWE-326", "A02:2021"),
    "open-address": ("CWE-918", "A10:2021"),
}
FOLDERS = ("orders", "accounts", "reports", "gateway", "mail", "search", "imports", "billing")


def write_report(file: IO[bytes], *, count: int, seed: int = 1) -> None:
    """Write a report of `count` findings, one after the other, so that its size costs no memory."""
    chance = random.Random(seed)
    file.write(b'{"version": "1.100.0", "results": [')
    separator = b"\n"
    for result in _results(count, chance):
        file.write(separator + json.dumps(result).encode())
        separator = b",\n"
    scanned = json.dumps(sorted({_path(number) for number in range(0, count, FINDINGS_A_FILE)}))
    file.write(b'\n], "errors": [], "paths": {"scanned": ' + scanned.encode() + b"}}")


def _results(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    names = list(WEAKNESSES)
    for number in range(count):
        rule = chance.randrange(RULES)
        name = names[rule % len(names)]
        cwe, owasp = WEAKNESSES[name]
        line = 10 + 20 * (number % FINDINGS_A_FILE) + chance.randrange(10)
        code = f"    answer = run(prepare({chance.choice(FOLDERS)}_{chance.randrange(10_000)}, request.value))"
        yield {
            "check_id": f"rules.python.security.{name}-{rule:03d}",
            "path": _path(number),
            "start": {"line": line, "col": 5, "offset": line * 40},
            "end": {"line": line, "col": len(code) + 1, "offset": line * 40 + len(code)},
            "extra": {
                "message": f"What a visitor sends reaches {name.replace('-', ' ')}. Check it against what is allowed"
                " first, or hand it over as a parameter where the library has a place for one." * 2,
                "severity": chance.choice(("ERROR", "WARNING", "INFO")),
                "metadata": {
                    "cwe": [f"{cwe}: {name}"],
                    "owasp": [f"{owasp} - Injection"],
                    "category": "security",
                    "technology": ["flask"],
                    "confidence": chance.choice(("HIGH", "MEDIUM", "LOW")),
                    "likelihood": "MEDIUM",
                    "impact": "HIGH",
                    "references": ["https://example.org/advice"],
                },
                "fingerprint": f"{number:032x}_0",
                "lines": code,
                "is_ignored": False,
                "engine_kind": "OSS",
            },
        }


def _path(number: int) -> str:
    file = number // FINDINGS_A_FILE
    return f"src/{FOLDERS[file % len(FOLDERS)]}/part_{file // 200}/module_{file}.py"


def context_of(count: int) -> BinaryIO:
    """Return the files that a report of `count` findings names, as a zip: functions with the reported lines in them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(0, count, FINDINGS_A_FILE):
            archive.writestr(_path(number), _text(number))
    packed.seek(0)
    return packed


def _text(number: int) -> str:
    functions = [
        f"def handle_{number}_{part}(request, store):\n"
        "    name = request.args.get('name', '')\n"
        + "".join(f"    step_{line} = store.load({line}, name)\n" for line in range(3, 17))
        + "    answer = run(prepare(name))\n"
        "    return answer\n\n\n"
        for part in range(FINDINGS_A_FILE + 1)
    ]
    return "import store\n\n\n" + "".join(functions)
