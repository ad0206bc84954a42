"""The recipes that change a word or two: digests, random numbers, certificates, debugging, cookies, loaders."""

# ruff: noqa: E501 - code under test is easier to read on one line

from __future__ import annotations

import pytest

from tests.unit.recipes.patching import patched


def fixed(source: str, at: str, cwe: int, path: str = "src/app.py", *, rule: str = "house.rule") -> str | None:
    return patched(source, at, cwe=cwe, path=path, rule=rule)


@pytest.mark.parametrize(
    ("cwe", "before", "after"),
    [
        (502, "import yaml\n\ndoc = yaml.load(stream)\n", "import yaml\n\ndoc = yaml.safe_load(stream)\n"),
        (
            502,
            "import yaml as y\n\ndoc = y.load(open(p), Loader=y.UnsafeLoader)\n",
            "import yaml as y\n\ndoc = y.safe_load(open(p))\n",
        ),
        (
            502,
            "from yaml import FullLoader, load_all\n\ndoc = load_all(s, Loader=FullLoader)\n",
            "from yaml import FullLoader, load_all, safe_load_all\n\ndoc = safe_load_all(s)\n",
        ),
        (
            502,
            "from ruamel.yaml import YAML\n\ndoc = YAML(typ='unsafe')\n",
            "from ruamel.yaml import YAML\n\ndoc = YAML(typ='safe')\n",
        ),
        (
            328,
            "import hashlib\n\nd = hashlib.md5(b).hexdigest()\n",
            "import hashlib\n\nd = hashlib.sha256(b).hexdigest()\n",
        ),
        (327, "import hashlib\n\nd = hashlib.new('sha1', b)\n", "import hashlib\n\nd = hashlib.new('sha256', b)\n"),
        (328, "from hashlib import md5\n\nd = md5(b)\n", "from hashlib import md5, sha256\n\nd = sha256(b)\n"),
        (330, "import random\n\nt = random.choice(x)\n", "import secrets\n\nt = secrets.choice(x)\n"),
        (338, "import random\n\nt = random.randint(0, 99)\n", "import secrets\n\nt = secrets.randbelow(100)\n"),
        (330, "import random\n\nt = random.randint(10, 20)\n", "import secrets\n\nt = 10 + secrets.randbelow(11)\n"),
        (330, "import random\n\nt = random.randrange(5, 9)\n", "import secrets\n\nt = 5 + secrets.randbelow(4)\n"),
        (330, "import random\n\nt = random.random()\n", "import secrets\n\nt = secrets.SystemRandom().random()\n"),
        (
            330,
            "import random\nimport string\n\nt = ''.join(random.choices(string.digits, k=6))\n",
            "import secrets\nimport string\n\nt = ''.join(secrets.SystemRandom().choices(string.digits, k=6))\n",
        ),
        (295, "import requests\n\nd = requests.get(u, verify=False)\n", "import requests\n\nd = requests.get(u)\n"),
        (
            295,
            "import httpx\n\nd = httpx.Client(\n    verify=False,\n    timeout=3,\n)\n",
            "import httpx\n\nd = httpx.Client(\n    timeout=3,\n)\n",
        ),
        (295, "import requests\n\ns.verify = False\n", "import requests\n\ns.verify = True\n"),
        (
            295,
            "import ssl\n\nd = ssl._create_unverified_context()\n",
            "import ssl\n\nd = ssl.create_default_context()\n",
        ),
        (
            295,
            "import ssl\n\nc.check_hostname = False\nc.verify_mode = ssl.CERT_NONE\n",
            "import ssl\n\nc.check_hostname = True\nc.verify_mode = ssl.CERT_REQUIRED\n",
        ),
        (
            489,
            "from flask import Flask\n\napp.run(host=h, debug=True)\n",
            'import os\n\nfrom flask import Flask\n\napp.run(host=h, debug=os.environ.get("FLASK_DEBUG") == "1")\n',
        ),
        (
            489,
            "import os\n\nINSTALLED_APPS = []\nDEBUG = True\n",
            'import os\n\nINSTALLED_APPS = []\nDEBUG = os.environ.get("DJANGO_DEBUG") == "1"\n',
        ),
        (614, "SESSION_COOKIE_SECURE = False\n", "SESSION_COOKIE_SECURE = True\n"),
        (614, 'app.config["SESSION_COOKIE_SECURE"] = False\n', 'app.config["SESSION_COOKIE_SECURE"] = True\n'),
        (614, 'r.set_cookie("a", b)\n', 'r.set_cookie("a", b, secure=True)\n'),
        (1004, 'r.set_cookie("a", b, httponly=False)\n', 'r.set_cookie("a", b, httponly=True)\n'),
        (1275, 'r.set_cookie(\n    "a",\n    b,\n)\n', 'r.set_cookie(\n    "a",\n    b,\n    samesite="Lax",\n)\n'),
        (95, "config = eval(text)\n", "import ast\n\nconfig = ast.literal_eval(text)\n"),
        (
            377,
            "import tempfile\n\npath = tempfile.mktemp(suffix='.csv')\n",
            "import os\nimport tempfile\n\nhandle, path = tempfile.mkstemp(suffix='.csv')\nos.close(handle)\n",
        ),
        (
            377,
            "import tempfile\n\nout = open(tempfile.mktemp(), 'wb')\n",
            "import tempfile\n\nout = tempfile.NamedTemporaryFile('wb', delete=False)\n",
        ),
        (
            611,
            "from lxml import etree\n\nt = etree.parse(f)\n",
            "from lxml import etree\n\nt = etree.parse(f, parser=etree.XMLParser(resolve_entities=False, no_network=True))\n",
        ),
        (
            611,
            "from lxml import etree\n\np = etree.XMLParser(resolve_entities=True)\n",
            "from lxml import etree\n\np = etree.XMLParser(resolve_entities=False, no_network=True)\n",
        ),
    ],
)
def test_python_is_changed_in_place(cwe: int, before: str, after: str) -> None:
    at = before.rstrip("\n").rpartition("\n\n")[2]

    assert fixed(before, at, cwe) == after


@pytest.mark.parametrize(
    ("cwe", "source"),
    [
        (502, "import yaml\n\ndoc = yaml.load(s, Loader=yaml.SafeLoader)\n"),
        (502, "import yaml\n\ndoc = yaml.load(s, Loader=OurLoader)\n"),
        (502, "import yaml\nyaml.add_constructor('!x', f)\n\ndoc = yaml.load(s)\n"),
        (502, "import pickle\n\ndoc = pickle.loads(s)\n"),
        (328, "import hashlib\n\nstored = hashlib.md5(password).hexdigest()\n"),
        (328, "import hashlib\n\nd = hashlib.md5(b, usedforsecurity=False)\n"),
        (328, "import hashlib\n\nu = 'https://gravatar.com/' + hashlib.md5(mail).hexdigest()\n"),
        (328, "import hashlib\n\nok = hashlib.md5(b).hexdigest() == '9e107d9d372bb6826bd81d3542a419d6'\n"),
        (328, "import hashlib\n\nd = hashlib.sha256(b)\n"),
        (330, "import random\nrandom.seed(1)\n\nt = random.choice(x)\n"),
        (330, "import random\nsecrets = 1\n\nt = random.choice(x)\n"),
        (330, "import numpy\n\nt = numpy.random.choice(x)\n"),
        (295, "import requests\n\nd = requests.get(u, verify=bundle)\n"),
        (489, "DEBUG = False\n"),
        (489, "DEBUG = env('DEBUG')\n"),
        (614, 'r.set_cookie("a", b, secure=flag)\n'),
        (614, 'r.set_cookie("a", b, **options)\n'),
        (1004, 'r.set_cookie("csrftoken", b)\n'),
        (95, "result = eval(formula)\n"),
        (95, "result = eval(x, scope)\n"),
        (377, "import os, tempfile\n\nos.mkfifo(tempfile.mktemp())\n"),
        (611, "from lxml import etree\n\nt = etree.parse(f, parser)\n"),
    ],
)
def test_python_that_is_safe_or_unclear_is_left_alone(cwe: int, source: str) -> None:
    at = source.rstrip("\n").rpartition("\n\n")[2]

    assert fixed(source, at, cwe) is None


NODE = "const crypto = require('crypto');\n\n"


@pytest.mark.parametrize(
    ("cwe", "before", "after"),
    [
        (
            328,
            NODE + "d = crypto.createHash('md5').update(b);\n",
            NODE + "d = crypto.createHash('sha256').update(b);\n",
        ),
        (338, NODE + "n = Math.floor(Math.random() * 900) + 100;\n", NODE + "n = crypto.randomInt(900) + 100;\n"),
        (
            338,
            NODE + "c = list[Math.floor(Math.random() * list.length)];\n",
            NODE + "c = list[crypto.randomInt(list.length)];\n",
        ),
        (
            338,
            NODE + "t = Math.random().toString(36).slice(2, 10);\n",
            NODE + 't = crypto.randomBytes(4).toString("hex");\n',
        ),
        (
            338,
            NODE + "t = Math.random().toString(36).substr(2, 9);\n",
            NODE + 't = crypto.randomBytes(5).toString("hex").slice(0, 9);\n',
        ),
        (295, NODE + "a = { rejectUnauthorized: false };\n", NODE + "a = { rejectUnauthorized: true };\n"),
        (
            295,
            NODE + "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';\n",
            NODE + "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '1';\n",
        ),
        (614, NODE + "res.cookie('sid', t);\n", NODE + "res.cookie('sid', t, { secure: true });\n"),
        (
            1004,
            NODE + "res.cookie('sid', t, { path: '/', httpOnly: false });\n",
            NODE + "res.cookie('sid', t, { path: '/', httpOnly: true });\n",
        ),
        (
            1275,
            NODE + "res.cookie('sid', t, {\n  path: '/',\n});\n",
            NODE + "res.cookie('sid', t, {\n  path: '/',\n  sameSite: \"lax\",\n});\n",
        ),
        (95, NODE + "o = eval('(' + text + ')');\n", NODE + "o = JSON.parse(text);\n"),
        (95, NODE + "o = new Function('return ' + text)();\n", NODE + "o = JSON.parse(text);\n"),
        (611, NODE + "d = xml.parse(t, { noent: true });\n", NODE + "d = xml.parse(t, { noent: false });\n"),
    ],
)
def test_javascript_is_changed_in_place(cwe: int, before: str, after: str) -> None:
    assert fixed(before, before.removeprefix(NODE).rstrip("\n"), cwe, path="src/app.js") == after


@pytest.mark.parametrize(
    ("cwe", "source"),
    [
        (328, NODE + "d = crypto.createHash('md5').update(password);\n"),
        (338, NODE + "x = Math.random();\n"),
        (338, NODE + "n = Math.floor(Math.random() * limit);\n"),
        (338, "t = Math.random().toString(36).slice(2);\n"),
        (338, NODE + "document.title = Math.random().toString(36).slice(2);\n"),
        (614, NODE + "res.cookie('sid', t, options);\n"),
        (614, NODE + "res.cookie('sid', t, { ...options });\n"),
        (614, NODE + "res.cookie('sid', t, { secure: isProduction });\n"),
        (95, NODE + "o = eval(text);\n"),
        (95, NODE + "o = eval(text + ')');\n"),
    ],
)
def test_javascript_that_is_safe_or_unclear_is_left_alone(cwe: int, source: str) -> None:
    assert fixed(source, source.removeprefix(NODE).rstrip("\n"), cwe, path="src/app.js") is None


def java(body: str) -> str:
    return f"package a;\n\nimport java.security.*;\n\nclass A {{\n    void f() throws Exception {{\n        {body}\n    }}\n}}\n"


@pytest.mark.parametrize(
    ("cwe", "before", "after"),
    [
        (328, 'm = MessageDigest.getInstance("MD5");', 'm = MessageDigest.getInstance("SHA-256");'),
        (328, 'm = MessageDigest.getInstance("SHA1", p);', 'm = MessageDigest.getInstance("SHA-256", p);'),
        (330, "Random r = new Random();", "Random r = new SecureRandom();"),
        (330, "double d = Math.random();", "double d = new SecureRandom().nextDouble();"),
        (
            614,
            "Cookie c = new Cookie(a, b);\n        r.addCookie(c);",
            "Cookie c = new Cookie(a, b);\n        c.setSecure(true);\n        r.addCookie(c);",
        ),
        (1004, "c.setHttpOnly(false);\n        r.addCookie(c);", "c.setHttpOnly(true);\n        r.addCookie(c);"),
        (
            611,
            "XMLInputFactory f = XMLInputFactory.newInstance();",
            (
                "XMLInputFactory f = XMLInputFactory.newInstance();\n"
                '        f.setProperty("javax.xml.stream.supportDTD", false);\n'
                '        f.setProperty("javax.xml.stream.isSupportingExternalEntities", false);'
            ),
        ),
        (
            611,
            "SAXParserFactory f = SAXParserFactory.newInstance();\n        f.newSAXParser().parse(x, h);",
            (
                "SAXParserFactory f = SAXParserFactory.newInstance();\n"
                '        f.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);\n'
                "        f.newSAXParser().parse(x, h);"
            ),
        ),
        (
            611,
            "DocumentBuilder b = DocumentBuilderFactory.newInstance().newDocumentBuilder();",
            (
                "DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();\n"
                '        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);\n'
                "        factory.setExpandEntityReferences(false);\n"
                "        DocumentBuilder b = factory.newDocumentBuilder();"
            ),
        ),
    ],
)
def test_java_is_changed_in_place(cwe: int, before: str, after: str) -> None:
    assert fixed(java(before), before, cwe, path="A.java") == java(after)


@pytest.mark.parametrize(
    ("cwe", "body"),
    [
        (328, 'password = MessageDigest.getInstance("MD5");'),
        (328, 'm = MessageDigest.getInstance("SHA-256");'),
        (330, "Random r = new Random(seed);"),
        (327, 'Cipher c = Cipher.getInstance("AES/ECB/PKCS5Padding");'),
        (614, "c.setSecure(true);\n        r.addCookie(c);"),
        (611, "DocumentBuilderFactory f = DocumentBuilderFactory.newInstance();"),
        (
            611,
            (
                "DocumentBuilderFactory f = DocumentBuilderFactory.newInstance();\n"
                "        f.setFeature(x, true);\n        f.newDocumentBuilder();"
            ),
        ),
    ],
)
def test_java_that_is_safe_or_unclear_is_left_alone(cwe: int, body: str) -> None:
    assert fixed(java(body), body, cwe, path="A.java") is None


def test_only_the_flag_that_the_rule_names_is_set() -> None:
    source = 'r.set_cookie("a", b)\n'

    assert fixed(source, "r.set_cookie", 16, rule="house.cookie-httponly") == 'r.set_cookie("a", b, httponly=True)\n'


def test_a_session_gets_a_cookie_with_the_flag() -> None:
    source = "const session = require('express-session');\n\napp.use(session({ secret: s, resave: false }));\n"

    after = fixed(source, "session({ secret: s, resave: false })", 614, path="app.js")

    assert after is not None
    assert "session({ secret: s, resave: false, cookie: { secure: true } })" in after


def test_a_rule_about_something_else_changes_nothing() -> None:
    assert fixed("import yaml\n\ndoc = yaml.load(s)\n", "yaml.load(s)", 1021) is None


def test_a_file_that_does_not_parse_is_left_alone() -> None:
    assert fixed("import yaml\n\ndoc = yaml.load(s)\n)\n", "yaml.load(s)", 502) is None


def test_a_uuid_template_becomes_a_call() -> None:
    call = "'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replace(/[xy]/g, (c) => (Math.random() * 16 | 0).toString(16))"

    assert fixed(f"{NODE}id = {call};\n", call, 338, path="a.js") == f"{NODE}id = crypto.randomUUID();\n"


@pytest.mark.parametrize(
    ("cwe", "at", "new"),
    [
        (502, "yaml.load(x)", "yaml.safe_load(x)"),
        (328, "hashlib.sha1(x)", "hashlib.sha256(x)"),
        (330, "random.choice(x)", "secrets.choice(x)"),
    ],
)
def test_an_import_inside_a_function_is_enough(cwe: int, at: str, new: str) -> None:
    module = at.partition(".")[0]
    source = f"def f(x):\n\timport {module}\n\n\treturn {at}\n"

    assert fixed(source, at, cwe) == f"def f(x):\n\timport {new.partition('.')[0]}\n\n\treturn {new}\n"


def test_a_new_argument_is_indented_as_those_beside_it() -> None:
    source = "def f(r):\n\tr.set_cookie(\n\t\t'a',\n\t\tpath='/')\n"

    after = fixed(source, "r.set_cookie(", 614)

    assert after == "def f(r):\n\tr.set_cookie(\n\t\t'a',\n\t\tpath='/',\n\t\tsecure=True)\n"


@pytest.mark.parametrize("use", ["uuid.UUID(hashlib.md5(b).hexdigest())", "AES.new(hashlib.md5(b).digest(), mode)"])
def test_a_digest_of_a_length_that_others_rely_on_is_left_alone(use: str) -> None:
    assert fixed(f"import hashlib\n\nx = {use}\n", use, 328) is None
