"""`manage.py analyze`: judge a report's findings here and now, without a server, for a terminal or a CI job."""

from __future__ import annotations

import json
import logging
import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from assistant_platform.analyze.as_json import as_json
from assistant_platform.analyze.progress import watching
from assistant_platform.analyze.request import FailOn, InputError, Provider, request_from
from assistant_platform.analyze.result import WRONG_INPUT, Result
from assistant_platform.analyze.running import analyze
from assistant_platform.analyze.table import print_table
from assistant_platform.embedded.claim import stop_signals_interrupt
from findings.export.sarif import sarif_of

FORMATS = ("table", "json", "sarif")
CHATTY = 2
WIDTH_OUTSIDE_A_TERMINAL = 100
EXIT_CODES = """\
Exit codes: 0 nothing that --fail-on names was found; 1 it was; 2 the input cannot be used, the message says what to
change; 3 some findings have no verdict because the provider gave none, and --fail-on was not reached by the others."""


class Command(BaseCommand):
    help = (
        "Analyse a Semgrep or SARIF report, or scan and analyse a folder: verdicts, guidance and checked fixes for all"
        " findings. Starts a database of its own that is gone afterwards. " + EXIT_CODES
    )
    requires_system_checks = []  # they want the settings of a server

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repo", required=True, metavar="DIR", help="the folder that was scanned")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--report", metavar="FILE", help="Semgrep's JSON or SARIF 2.1.0, plain or gzipped")
        source.add_argument("--semgrep", action="store_true", help="scan the folder now, with the rules of --rules")
        parser.add_argument(
            "--rules",
            metavar="FILE-or-DIR",
            help="the rules' YAML; with it fixes are proved by running the very rule again",
        )
        parser.add_argument("--format", choices=FORMATS, default="table", help="what to write (default: table)")
        parser.add_argument("--output", metavar="FILE", help="where to write it (default: the standard output)")
        parser.add_argument(
            "--provider",
            choices=list(Provider),
            default=Provider.BUILT_IN.value,
            help="who judges. builtin (default, also where a key is set): no model, nothing leaves this machine."
            " openai: code is sent to OpenAI, or to OPENAI_BASE_URL, with OPENAI_API_KEY and OPENAI_MODEL; naming it is"
            " your consent to that",
        )
        parser.add_argument(
            "--fail-on",
            choices=list(FailOn),
            default=FailOn.NEVER.value,
            help="exit with 1 where a finding is left to fix; to fix or unsure; or any that is not ignored"
            " (default: never)",
        )
        parser.add_argument("--jobs", metavar="N", type=int, help="threads (default: one a core; with a model, 8)")
        parser.add_argument(
            "--wait",
            metavar="SECONDS",
            type=_seconds,
            default=120.0,
            help="how long to wait in all for a provider that asks for patience (default: 120)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        messages = Console(stderr=True, highlight=False)
        if options["verbosity"] < CHATTY:
            logging.getLogger().setLevel(logging.WARNING)  # a server's log; here it would run through the progress bar
        try:
            with _opened(options["output"]) as output, stop_signals_interrupt():
                with watching(messages) as watch:
                    result = analyze(request_from(options), watch)
                _write(result, options["format"], output)
        except InputError as error:
            raise CommandError(str(error), returncode=WRONG_INPUT) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was written.", returncode=130) from None
        for note in result.notes:
            messages.print(f"Note: {note}", markup=False, soft_wrap=True)
        messages.print(_times(result), markup=False, soft_wrap=True)
        if code := result.exit_code(FailOn(options["fail_on"])):
            sys.exit(code)


def _write(result: Result, form: str, output: IO[str]) -> None:
    if form == "table":
        print_table(result, _console(output))
    elif form == "json":
        output.write(as_json(result) + "\n")
    else:
        output.write(json.dumps(sarif_of(result.findings, scanner=result.tool), indent=1) + "\n")


def _console(output: IO[str]) -> Console:
    console = Console(file=output, highlight=False)
    if console.is_terminal or "COLUMNS" in os.environ:
        return console
    return Console(file=output, highlight=False, width=WIDTH_OUTSIDE_A_TERMINAL)


@contextmanager
def _opened(name: str | None) -> Iterator[IO[str]]:
    """Open the output before the work, so that a place that cannot be written to is known at once."""
    if name is None:
        yield sys.stdout
        return
    path = Path(name).expanduser()
    is_device = path.exists() and not path.is_file()  # /dev/stdout, a named pipe
    place = path if is_device else path.with_name(f"{path.name}.part")  # nobody reads half a result
    try:
        file = place.open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"--output {path}: {error.strerror}") from error
    try:
        with file:
            yield file
        if not is_device:
            place.replace(path)
    finally:
        if not is_device:
            place.unlink(missing_ok=True)


def _times(result: Result) -> str:
    parts = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in result.seconds.items())
    return f"Took {sum(result.seconds.values()):.1f} s: {parts}. Judged by {result.provider}."


def _seconds(text: str) -> float:
    seconds = float(text)
    if seconds < 0:
        raise ArgumentTypeError("give seconds, 0 or more")
    return seconds
