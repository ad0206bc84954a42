# Short names for bootstrap.py, which needs nothing but Python: without make, `python3 bootstrap.py run` does the same.
# ARGS is passed on: make test ARGS="tests/unit -k redaction", make run ARGS="--port 9000".
PYTHON ?= python3
COMMANDS := run setup demo test test-fast browser bench check fix doctor lock clean

help:
	@$(PYTHON) bootstrap.py

$(COMMANDS):
	@$(PYTHON) bootstrap.py $@ $(ARGS)

.PHONY: help $(COMMANDS)
