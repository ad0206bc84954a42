"""Findings: the list with the page's filters and Semgrep's, one finding, what people decide."""
