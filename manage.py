#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "assistant_platform.settings")
    if sys.argv[1:2] == ["up"] and not {"-h", "--help"} & set(sys.argv):
        # It makes the secrets that the settings want, so it must not wait for them.
        from assistant_platform.embedded.__main__ import main as up  # noqa: PLC0415  (only here)

        sys.exit(up(sys.argv[2:]))
    from django.core.management import execute_from_command_line  # noqa: PLC0415  (after the settings are named)

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
