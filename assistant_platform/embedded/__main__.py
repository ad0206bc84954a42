"""`python -m assistant_platform.embedded`: the same as `manage.py up`, without the time Django takes to load."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from assistant_platform.embedded import startup


def main(words: Sequence[str]) -> int:
    """Run the platform as the words of the command line say; return the exit code."""
    parser = argparse.ArgumentParser(prog="up", description="Run the whole platform on this machine.")
    startup.add_arguments(parser)
    return startup.up(startup.options_from(vars(parser.parse_args(words))))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
