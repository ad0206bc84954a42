"""Does a fix apply, parse, silence the rule, add nothing new, cheat, or import what is not there?"""

from __future__ import annotations

from remediation.gates.check import check
from remediation.gates.dependencies import dependencies_in
from remediation.gates.results import TITLES, FixCheck, Gate, GateResult, Outcome

__all__ = ["TITLES", "FixCheck", "Gate", "GateResult", "Outcome", "check", "dependencies_in"]
