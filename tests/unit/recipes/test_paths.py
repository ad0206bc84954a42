"""Paths that a request names stay in their folder."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.recipes.patching import patched


def page(source: str) -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "patched.py", "exec"), names)
    return names["load"]


@pytest.mark.parametrize(
    "body",
    [
        "    with open(os.path.join(folder, name)) as stream:\n        return stream.read()\n",
        "    path = os.path.join(folder, name)\n    with open(path) as stream:\n        return stream.read()\n",
        "    stream = open(os.path.join(folder, name), 'r')\n    with stream:\n        return stream.read()\n",
    ],
)
def test_a_file_outside_its_folder_is_refused(body: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("inside")
    (tmp_path / "b.txt").write_text("outside")
    at = body.partition("open(")[2].partition("\n")[0]

    after = patched(f"import os\n\n\ndef load(folder, name):\n{body}", f"open({at}", cwe=22)

    assert after is not None
    load = page(after)
    assert load(str(tmp_path / "in"), "a.txt") == "inside"
    with pytest.raises(ValueError, match="outside its folder"):
        load(str(tmp_path / "in"), "../b.txt")
    with pytest.raises(ValueError, match="outside its folder"):
        load(str(tmp_path / "in"), str(tmp_path / "b.txt"))


def test_a_flask_view_answers_404() -> None:
    source = (
        "import os\n\nfrom flask import Flask\n\napp = Flask(__name__)\n\n\n@app.route('/f/<name>')\ndef f(name):\n"
        "    return open(os.path.join(ROOT, name)).read()\n"
    )

    after = patched(source, "open(os.path.join(ROOT, name))", cwe=22)

    assert after is not None
    assert "from flask import abort, Flask\n" in after or "from flask import Flask, abort\n" in after
    assert "        abort(404)\n" in after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("send_file(os.path.join(ROOT, name))", "send_from_directory(ROOT, name)"),
        (
            "send_file(os.path.join('files', name), as_attachment=True)",
            "send_from_directory('files', name, as_attachment=True)",
        ),
        (
            'send_file(os.path.join(app.config["UPLOADS"], request.args["f"]))',
            'send_from_directory(app.config["UPLOADS"], request.args["f"])',
        ),
    ],
)
def test_flask_sends_from_a_directory(before: str, after: str) -> None:
    head = "import os\n\nfrom flask import request, send_file"

    source = patched(f"{head}\n\n\ndef f(name):\n    return {before}\n", before, cwe=22)

    assert source == f"{head}, send_from_directory\n\n\ndef f(name):\n    return {after}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("res.sendFile(path.join(ROOT, req.params.name));", "res.sendFile(req.params.name, { root: ROOT });"),
        (
            "res.sendFile(path.join(__dirname, 'public', name));",
            "res.sendFile(name, { root: path.join(__dirname, 'public') });",
        ),
        ("res.download(path.join(ROOT, name));", "res.download(name, { root: ROOT });"),
    ],
)
def test_express_sends_below_a_root(before: str, after: str) -> None:
    head = "const path = require('path');\n\n"

    assert patched(f"{head}{before}\n", before, cwe=22, path="a.js") == f"{head}{after}\n"


def test_a_path_for_fs_is_checked_before_it_is_used() -> None:
    source = (
        "const fs = require('fs');\nconst path = require('path');\n\n"
        "app.get('/', (req, res) => {\n  const text = fs.readFileSync(path.join(ROOT, req.query.f));\n  res.send(text);\n});\n"
    )

    after = patched(source, "fs.readFileSync(path.join(ROOT, req.query.f))", cwe=22, path="a.js")

    assert after is not None
    assert (
        "  const fullPath = path.resolve(path.join(ROOT, req.query.f));\n"
        "  if (!fullPath.startsWith(path.resolve(ROOT) + path.sep)) {\n"
        "    return res.status(404).end();\n"
        "  }\n"
        "  const text = fs.readFileSync(fullPath);\n"
    ) in after


@pytest.mark.parametrize(
    "call",
    [
        "open(name)",
        "open(os.path.join(pick(), name))",
        "open(folder + name)",
        "[open(os.path.join(folder, n)) for n in name]",
        "open(os.path.realpath(os.path.join(folder, name)))",
    ],
)
def test_a_path_whose_folder_is_not_plain_is_left_alone(call: str) -> None:
    source = f"import os\n\n\ndef load(folder, name):\n    x = {call}\n"

    assert patched(source, call, cwe=22) is None
