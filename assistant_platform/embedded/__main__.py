"""`python -m assistant_platform.embedded`: the same as `manage.py up`, without the time Django takes to load."""

from __future__ import annotations

import argparse
import sys

from assistant_platform.embedded import startup

parser = argparse.ArgumentParser(prog="up", description="Run the whole platform on this machine.")
startup.add_arguments(parser)
sys.exit(startup.up(startup.options_from(vars(parser.parse_args()))))
