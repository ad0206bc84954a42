"""One module a language: from its syntax tree to the small program of `triage.facts.flow.program`."""
