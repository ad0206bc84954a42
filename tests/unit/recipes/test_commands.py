"""Commands lose their shell only where a shell did nothing but split words."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

import pytest

from tests.unit.recipes.patching import patched


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('os.system(f"ping -c 1 {host}")', 'subprocess.run(["ping", "-c", "1", host], check=False)'),
        ("os.system('ping -c 1 ' + host)", "subprocess.run(['ping', '-c', '1', host], check=False)"),
        ('os.system("ping -c %d %s" % (2, host))', 'subprocess.run(["ping", "-c", "2", host], check=False)'),
        ('os.system("ping {}".format(host))', 'subprocess.run(["ping", host], check=False)'),
        ('code = os.system(f"ping {host}")', 'code = subprocess.run(["ping", host], check=False).returncode'),
        (
            """subprocess.run(f"convert '{host}' --out={host}.png", shell=True, check=True)""",
            """subprocess.run(["convert", host, f"--out={host}.png"], check=True)""",
        ),
        ("subprocess.call('ls -l ' + host, shell=True)", "subprocess.call(['ls', '-l', host])"),
        ('subprocess.check_output("ls -l", shell=True)', 'subprocess.check_output(["ls", "-l"])'),
        ('subprocess.Popen(f"nslookup {shlex.quote(host)}", shell=True)', 'subprocess.Popen(["nslookup", host])'),
        (
            'text = os.popen(f"dig {host}").read()',
            'text = subprocess.run(["dig", host], stdout=subprocess.PIPE, text=True, check=False).stdout',
        ),
    ],
)
def test_a_python_command_becomes_a_list(before: str, after: str) -> None:
    head = "import os\nimport shlex\nimport subprocess\n\nos.environ\n\n\ndef look(host: str):\n    "

    assert patched(f"{head}{before}\n", before, cwe=78) == f"{head}{after}\n"


def test_a_command_in_a_variable_becomes_a_list() -> None:
    source = 'import subprocess\n\n\ndef f(name: str):\n    command = f"id {name}"\n    return subprocess.run(command, shell=True)\n'

    after = patched(source, "subprocess.run(command, shell=True)", cwe=78)

    assert after is not None
    assert 'command = ["id", name]\n    return subprocess.run(command)\n' in after


def test_a_number_becomes_a_text() -> None:
    source = 'import subprocess\n\n\ndef f(count, step: int):\n    subprocess.run(f"seq {count} {step}", shell=True)\n'

    after = patched(source, 'subprocess.run(f"seq {count} {step}", shell=True)', cwe=78)

    assert after is not None
    assert 'subprocess.run(["seq", str(count), str(step)])' in after


def test_what_str_made_a_text_stays_one() -> None:
    source = 'import subprocess\n\n\ndef f(count):\n    subprocess.run("seq " + str(count), shell=True)\n'

    after = patched(source, 'subprocess.run("seq " + str(count), shell=True)', cwe=78)

    assert after is not None
    assert 'subprocess.run(["seq", str(count)])' in after


def test_the_import_that_nobody_needs_any_more_is_replaced() -> None:
    after = patched('import os\n\n\ndef f(a):\n    os.system("id " + a)\n', 'os.system("id " + a)', cwe=78)

    assert after == 'import subprocess\n\n\ndef f(a):\n    subprocess.run(["id", a], check=False)\n'


@pytest.mark.parametrize(
    "command",
    [
        'f"cat {host} | wc -l"',
        'f"cat {host} > out.txt"',
        'f"cat {host}/*.txt"',
        'f"cd {host} && ls"',
        'f"echo $HOME {host}"',
        'f"cat ~/{host}"',
        'f"{host} --version"',
        'f"ls {options}"',
        'f"sh -c {host}"',
        'f"A=1 ls {host}"',
        "f\"bash -c '{host}'\"",
        'f"ls `{host}`"',
        'f"ls \\"$A\\" {host}"',
        'f"ls \'{host}"',
        "host",
        'f"{host}"',
    ],
)
def test_what_needs_a_shell_keeps_it(command: str) -> None:
    source = f"import os\n\n\ndef f(host, options):\n    os.system({command})\n"

    assert patched(source, f"os.system({command})", cwe=78) is None


@pytest.mark.parametrize(
    ("head", "before", "after"),
    [
        (
            "const { exec } = require('child_process');",
            "exec(`git log ${branch}`, (err, out) => done(out));",
            'execFile("git", ["log", branch], (err, out) => done(out));',
        ),
        (
            "import * as child from 'node:child_process';",
            "child.exec('git log ' + branch, { cwd: root }, done);",
            'child.execFile("git", ["log", branch], { cwd: root }, done);',
        ),
        (
            'const cp = require("child_process");',
            "const out = cp.execSync(`git show '${branch}:file.txt'`);",
            'const out = cp.execFileSync("git", ["show", `${branch}:file.txt`]);',
        ),
    ],
)
def test_a_javascript_command_becomes_a_program_and_a_list(head: str, before: str, after: str) -> None:
    patched_text = patched(f"{head}\n\n{before}\n", before, cwe=78, path="tools/git.js")

    assert patched_text is not None
    assert after in patched_text


def test_the_name_is_added_to_what_is_taken_from_the_module() -> None:
    source = "import { exec, spawn } from 'child_process';\n\nexec(`git log ${branch}`);\n"

    after = patched(source, "exec(`git log ${branch}`)", cwe=78, path="git.ts")

    assert after is not None
    assert "import { exec, spawn, execFile } from 'child_process';" in after


@pytest.mark.parametrize(
    "call",
    [
        "exec(`git log ${a} | head`)",
        "exec(a)",
        "exec(`git log ${a}`, { shell: '/bin/bash' })",
        "exec(`${a} log`)",
        "other.exec(`git ${a}`)",
    ],
)
def test_javascript_that_needs_a_shell_keeps_it(call: str) -> None:
    source = f"const {{ exec }} = require('child_process');\n\n{call};\n"

    assert patched(source, call, cwe=78, path="git.js") is None
