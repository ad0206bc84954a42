"""Findings as files for others: a neutral shape, and SARIF made of it; what the Assistant said is handed in."""
