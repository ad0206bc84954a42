"""Which family a rule belongs to, from its name and its CWE, of which either may mislead."""

from __future__ import annotations

import pytest

from findings.context import RuleContext
from triage.facts.families import Family, family_of


@pytest.mark.parametrize(
    ("name", "cwe", "family"),
    [
        ("tainted-sql-string", ("CWE-704",), Family.SQL),
        ("tainted-sql-string", ("CWE-915",), Family.SQL),
        ("find-by-request", ("CWE-89",), Family.SQL),
        ("dangerous-subprocess-use", ("CWE-78",), Family.COMMAND),
        ("no-direct-response-writer", ("CWE-79",), Family.XSS),
        ("express-open-redirect", ("CWE-601",), Family.REDIRECT),
        ("httpservlet-path-traversal", ("CWE-22",), Family.PATH),
        ("weak-crypto", ("CWE-328",), Family.HASH),
        ("insecure-hash-algorithm-sha1", ("CWE-327",), Family.HASH),
        ("des-is-deprecated", ("CWE-326",), Family.CIPHER),
        ("jwt-none-alg", ("CWE-327",), Family.JWT),
        ("session-cookie-missing-httponly", ("CWE-1004",), Family.COOKIE),
        ("detected-aws-access-key", ("CWE-798",), Family.SECRET),
        ("B608", ("CWE-89",), Family.SQL),
        ("useless-comparison", (), Family.OTHER),
    ],
)
def test_a_rule_has_the_family_its_name_and_cwe_agree_on(name: str, cwe: tuple[str, ...], family: Family) -> None:
    rule = RuleContext(f"rules.some.{name}", "", "ERROR", cwe)

    found = family_of(rule)

    assert found is family
