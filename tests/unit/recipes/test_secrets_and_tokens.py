"""Secrets move into the environment; tokens are checked by the key that signs them."""

from __future__ import annotations

import pytest

from remediation.recipes import fix_for
from tests.unit.recipes.patching import finding, patched


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.py", 'API_KEY = "k-93hf83hf83h"\n', 'import os\n\nAPI_KEY = os.environ["API_KEY"]\n'),
        (
            "a.py",
            "import os\n\napp.secret_key = 'zx81-zx81'\n",
            'import os\n\napp.secret_key = os.environ["SECRET_KEY"]\n',
        ),
        (
            "a.py",
            "import os\n\napp.config['JWT_SECRET'] = 'zx81-zx81'\n",
            "import os\n\napp.config['JWT_SECRET'] = os.environ[\"JWT_SECRET\"]\n",
        ),
        (
            "a.py",
            "import os\n\nc = connect(user='me', password='zx81-zx81')\n",
            "import os\n\nc = connect(user='me', password=os.environ[\"PASSWORD\"])\n",
        ),
        ("a.js", "const dbPassword = 'zx81-zx81';\n", "const dbPassword = process.env.DB_PASSWORD;\n"),
        ("a.ts", "export const c = { apiKey: 'zx81-zx81' };\n", "export const c = { apiKey: process.env.API_KEY! };\n"),
        (
            "A.java",
            'class A { String dbPassword = "zx81-zx81"; }\n',
            'class A { String dbPassword = System.getenv("DB_PASSWORD"); }\n',
        ),
        (
            "A.java",
            'class A { void f() { DriverManager.getConnection(url, "me", "zx81-zx81"); } }\n',
            'class A { void f() { DriverManager.getConnection(url, "me", System.getenv("DATABASE_PASSWORD")); } }\n',
        ),
    ],
)
def test_a_secret_is_read_from_the_environment(path: str, before: str, after: str) -> None:
    at = before.rstrip("\n").rpartition("\n\n")[2]

    assert patched(before, at, cwe=798, path=path) == after


def test_the_key_that_signs_stays_the_key_that_verifies() -> None:
    source = (
        "import jwt\n\n\ndef make(p):\n    return jwt.encode(p, 'zx81-zx81', algorithm='HS256')\n\n\n"
        "def read(t):\n    return jwt.decode(t, 'zx81-zx81', algorithms=['HS256'])\n"
    )

    after = patched(source, "jwt.encode(p, 'zx81-zx81', algorithm='HS256')", cwe=798)

    assert after is not None
    assert "zx81" not in after
    assert after.count('os.environ["JWT_SECRET"]') == 2


def test_the_developer_is_told_to_replace_the_value() -> None:
    answer = fix_for(finding('API_KEY = "k-93hf83hf83h"\n', "API_KEY", cwe=798))

    assert answer is not None
    assert "API_KEY" in answer.explanation
    assert "revoke" in answer.explanation
    assert "93hf" not in answer.explanation


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", 'GREETING = "hello-hello"\n'),
        ("a.py", 'PASSWORD_FIELD = "password"\n'),
        ("a.py", 'TOKEN_URL = "https://x.example/token"\n'),
        ("a.py", 'PASSWORD = ""\n'),
        ("a.py", 'PASSWORD = f"{a}-{b}"\n'),
        ("a.py", 'MESSAGE_TOKEN = "please type your password"\n'),
        ("a.py", "PASSWORD = ask()\n"),
        ("a.js", "const password = '<your password>';\n"),
        ("a.js", "const password = 'zx81-zx81'; document.title = password;\n"),
        ("A.java", 'class A { static final String PASSWORD = "zx81-zx81"; @Value(PASSWORD) int x; }\n'),
    ],
)
def test_what_is_no_secret_for_sure_stays(path: str, source: str) -> None:
    assert patched(source, source.rstrip("\n"), cwe=798, path=path) is None


SIGNED = "import jwt\n\nT = jwt.encode(P, KEY, algorithm='HS512')\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("jwt.decode(t, options={'verify_signature': False})", 'jwt.decode(t, KEY, algorithms=["HS512"])'),
        ("jwt.decode(t, KEY, verify=False)", 'jwt.decode(t, KEY, algorithms=["HS512"])'),
        ("jwt.decode(t, KEY, audience='a')", "jwt.decode(t, KEY, algorithms=[\"HS512\"], audience='a')"),
        ("jwt.decode(t, KEY, algorithms=['none', 'HS512'])", "jwt.decode(t, KEY, algorithms=['HS512'])"),
    ],
)
def test_a_python_token_is_checked_by_the_key_that_signs(before: str, after: str) -> None:
    assert patched(f"{SIGNED}x = {before}\n", before, cwe=347) == f"{SIGNED}x = {after}\n"


@pytest.mark.parametrize(
    ("head", "call"),
    [
        ("import jwt\n", "jwt.decode(t, options={'verify_signature': False})"),
        (SIGNED, "jwt.decode(t, OTHER, verify=False)"),
        (SIGNED, "jwt.decode(t, KEY, algorithms=['HS512'])"),
        (SIGNED.replace("HS512", "RS256"), "jwt.decode(t, verify=False)"),
        (SIGNED, "jwt.decode(t, KEY, algorithms=['none'])"),
    ],
)
def test_a_token_whose_key_is_not_known_is_left_alone(head: str, call: str) -> None:
    assert patched(f"{head}x = {call}\n", call, cwe=347) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("jwt.decode(t)", 'jwt.verify(t, KEY, { algorithms: ["HS256"] })'),
        ("jwt.verify(t, KEY)", 'jwt.verify(t, KEY, { algorithms: ["HS256"] })'),
        ("jwt.verify(t, KEY, { algorithms: ['HS256', 'none'] })", "jwt.verify(t, KEY, { algorithms: ['HS256'] })"),
    ],
)
def test_a_javascript_token_is_checked_by_the_key_that_signs(before: str, after: str) -> None:
    head = "const jwt = require('jsonwebtoken');\nconst s = jwt.sign(p, KEY);\n"

    assert patched(f"{head}x = {before};\n", before, cwe=347, path="a.js") == f"{head}x = {after};\n"
