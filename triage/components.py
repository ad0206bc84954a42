"""What a file is for, told by its path, its imports and the words of its names: the answer when no model is asked."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

from lib.languages import language_of
from lib.syntax import lines_of
from triage.answers import ComponentAnswer, ComponentTag, Risk
from triage.excerpt.imports import imports_of

RISK_OF_TAG = {
    ComponentTag.USER_AUTHENTICATION: Risk.HIGH,
    ComponentTag.AUTHORIZATION: Risk.HIGH,
    ComponentTag.PAYMENTS: Risk.HIGH,
    ComponentTag.CRYPTOGRAPHY: Risk.HIGH,
    ComponentTag.PII: Risk.HIGH,
    ComponentTag.SECRETS: Risk.HIGH,
    ComponentTag.ADMIN: Risk.HIGH,
    ComponentTag.INFRASTRUCTURE: Risk.NEUTRAL,
    ComponentTag.API: Risk.NEUTRAL,
    ComponentTag.DATA_STORAGE: Risk.NEUTRAL,
    ComponentTag.FILE_HANDLING: Risk.NEUTRAL,
    ComponentTag.MESSAGING: Risk.NEUTRAL,
    ComponentTag.FRONTEND: Risk.NEUTRAL,
    ComponentTag.OTHER: Risk.NEUTRAL,
    ComponentTag.DEVELOPER_SCRIPTS: Risk.LOW,
    ComponentTag.TESTS: Risk.LOW,
    ComponentTag.DOCUMENTATION: Risk.LOW,
}

# Places that decide alone, whatever the code speaks of. `src/main` is Maven's and Gradle's for what is shipped.
SHIPPED = re.compile(r"(^|/)src/main/")
TEST_FOLDERS = {"test", "tests", "__tests__", "testing", "testdata", "fixtures", "e2e", "cypress", "spec", "specs"}
TEST_NAME = re.compile(
    r"^(.*[_-](tests?|spec)|.*\.(test|spec|cy|e2e|stories)|conftest|.*[a-z0-9](Tests?|TestCase|Spec|IT))$"
)
PYTHON_TEST_NAME = re.compile(r"^tests?_.*\.pyi?$")
DOCUMENTATION_FOLDERS = {
    "doc",
    "docs",
    "documentation",
    "example",
    "examples",
    "sample",
    "samples",
    "tutorial",
    "tutorials",
}
DOCUMENTATION_SUFFIXES = {".md", ".mdx", ".rst", ".adoc", ".txt", ".ipynb"}
SCRIPT_FOLDERS = {
    "scripts",
    "script",
    "tools",
    "tooling",
    "hack",
    "dev",
    "devtools",
    "benchmarks",
    "benchmark",
    "bench",
}
SCRIPT_NAME = re.compile(
    r"^(makefile|rakefile|justfile|gulpfile.*|gruntfile.*|noxfile|tasks|fabfile|setup|manage|webpack\..*|rollup\..*|"
    r"vite\..*|jest\..*|babel\..*|eslint\..*|\.eslintrc.*|karma\..*)$"
)
# A folder of this name ahead of it makes `scripts` a part of the web pages, not of the workshop.
SERVED_FOLDERS = {"static", "public", "assets", "src", "www", "wwwroot", "app", "lib", "web", "client", "frontend"}
INFRASTRUCTURE_FOLDERS = {
    *("terraform", "ansible", "helm", "charts", "k8s", "kubernetes", "deploy", "deployment", "infra", "infrastructure"),
    *("cloudformation", "pulumi", "workflows", ".circleci", "docker", "manifests"),
}
INFRASTRUCTURE_NAME = re.compile(
    r"^(docker-compose.*|compose|jenkinsfile|vagrantfile|nginx.*|\.gitlab-ci|procfile|serverless)$"
)
INFRASTRUCTURE_LANGUAGES = {"terraform", "dockerfile"}
MANIFEST = re.compile(r"^(apiVersion|AWSTemplateFormatVersion|Resources|services|kind):", re.MULTILINE)
PAGE_SUFFIXES = {
    ".html",
    ".htm",
    ".css",
    ".scss",
    ".vue",
    ".svelte",
    ".jsx",
    ".tsx",
    ".erb",
    ".ejs",
    ".hbs",
    ".jinja2",
    ".twig",
}

# Words, in singular, of paths, imports and names that speak for a tag; strong ones count three times.
STRONG = {
    ComponentTag.USER_AUTHENTICATION: """
        auth login logout signin signup signon logon authenticate authentication oauth oauth2 oidc saml sso
        mfa totp otp 2fa webauthn passkey password passwd jwt bcrypt argon2 allauth devise passport ldap credential""",
    ComponentTag.AUTHORIZATION: """
        authorization authorize authorizer authorisation permission rbac abac acl casbin pundit cancan cancancan
        entitlement privilege preauthorize forbidden""",
    ComponentTag.PAYMENTS: """
        payment checkout invoice billing stripe paypal braintree adyen refund payout creditcard iban ledger wallet
        chargeback mollie klarna""",
    ComponentTag.CRYPTOGRAPHY: """
        crypto cryptography cipher encrypt decrypt encryption decryption aes rsa ecdsa hmac hashlib messagedigest md5
        sha1 sha256 sha512 x509 keypair openssl bouncycastle libsodium nacl pbkdf2 signature""",
    ComponentTag.PII: """
        ssn gdpr pii patient medical passportnumber birthdate birthday dob nationality taxid ethnicity anonymize
        pseudonymize diagnosis""",
    ComponentTag.SECRETS: "secret vault apikey keyvault kms keystore keyring secretsmanager dotenv",
    ComponentTag.ADMIN: "admin administrator administration backoffice superuser superadmin sysadmin",
    ComponentTag.MESSAGING: """
        mail email mailer smtp sendmail sms twilio kafka rabbitmq amqp sqs sns pubsub celery sidekiq notification
        notifier mailgun sendgrid mqtt newsletter""",
    ComponentTag.FILE_HANDLING: """
        upload download multipart attachment zipfile tarfile unzip unpack archive thumbnail filesystem multer""",
    ComponentTag.DATA_STORAGE: """
        database sqlalchemy jdbc hibernate mongoose mongo mongodb redis sqlite sqlite3 psycopg postgres postgresql mysql
        mysqli pdo migration orm dao sequelize activerecord cassandra dynamodb gorm""",
    ComponentTag.API: "api rest graphql grpc endpoint restcontroller fastapi swagger openapi apiview viewset resolver",
    ComponentTag.FRONTEND: "react vue angular svelte jquery dom innerhtml frontend stylesheet component jsx redux",
    ComponentTag.INFRASTRUCTURE: "terraform kubernetes helm ansible boto3 cloudformation docker pulumi",
}
WEAK = {
    ComponentTag.USER_AUTHENTICATION: "session token account user register identity remember",
    ComponentTag.AUTHORIZATION: "role policy access scope grant guard allowed owner",
    ComponentTag.PAYMENTS: "pay card price order cart currency amount subscription tax bank transfer balance",
    ComponentTag.CRYPTOGRAPHY: "hash key iv nonce salt digest tls ssl certificate random",
    ComponentTag.PII: "address phone birth gender profile customer firstname lastname surname email health",
    ComponentTag.SECRETS: "key token credential config env",
    ComponentTag.ADMIN: "staff moderation dashboard console",
    ComponentTag.MESSAGING: "message queue topic publish subscribe webhook slack broker channel notify",
    ComponentTag.FILE_HANDLING: "file filename path folder directory zip tar image storage blob extension",
    ComponentTag.DATA_STORAGE: "sql query cursor db model repository table cache entity schema store select insert",
    ComponentTag.API: "controller route router handler request response view resource serializer http json express",
    ComponentTag.FRONTEND: "template html css render page form widget document window ui",
    ComponentTag.INFRASTRUCTURE: "deploy cluster container aws gcp azure iam bucket",
}

# What a file is named outweighs what it imports, and that what it mentions.
PATH_WEIGHT, IMPORT_WEIGHT, NAME_WEIGHT = 6, 2, 1
STRONG_WEIGHT = 3
MOST_OF_ONE_WORD = 3
LEAST_SCORE = 6
LONGEST_TEXT_READ = 200_000
MOST_WORDS_NAMED = 3

# A number is read from its first digit only: a file of digits would be read again from each of them.
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|(?<!\d)\d+[a-z]+")


@dataclass(frozen=True)
class _Case:
    """What speaks for a tag."""

    tag: ComponentTag
    score: int
    words: tuple[str, ...]


def tag_without_model(path: str, text: str | None) -> ComponentAnswer:
    """Return what a file is for and how much a mistake in it matters; tests, documents and scripts by path alone."""
    tag = _by_place(path)
    if tag:
        return _answer(tag, f"The path {_shown(path)} is where such files stand.")
    if _is_infrastructure(path, text or ""):
        return _answer(ComponentTag.INFRASTRUCTURE, "The file describes machines or services rather than a program.")
    case = _strongest_case(path, (text or "")[:LONGEST_TEXT_READ])
    if case.score >= LEAST_SCORE:
        return _answer(case.tag, f"Its path and names speak of {', '.join(case.words)}.")
    if PurePosixPath(path).suffix.lower() in PAGE_SUFFIXES:
        return _answer(ComponentTag.FRONTEND, "It is a page or a part of one.")
    return _answer(ComponentTag.OTHER, "Neither its path nor its names point to one purpose.")


def _answer(tag: ComponentTag, reason: str) -> ComponentAnswer:
    return ComponentAnswer(tag=tag, risk=RISK_OF_TAG[tag], reason=reason)


def _shown(path: str) -> str:
    longest = 200
    return path if len(path) <= longest else "…" + path[-longest:]


def _by_place(path: str) -> ComponentTag | None:
    pure = PurePosixPath(path)
    folders = [part.lower() for part in pure.parts[:-1]]
    shipped = SHIPPED.search(path)
    named_as_test = TEST_NAME.match(pure.stem) or PYTHON_TEST_NAME.match(pure.name)
    if named_as_test or (not shipped and TEST_FOLDERS.intersection(folders)):
        return ComponentTag.TESTS
    if pure.suffix.lower() in DOCUMENTATION_SUFFIXES or (not shipped and DOCUMENTATION_FOLDERS.intersection(folders)):
        return ComponentTag.DOCUMENTATION
    if not shipped and (SCRIPT_NAME.match(pure.stem.lower()) or _is_in_the_workshop(folders)):
        return ComponentTag.DEVELOPER_SCRIPTS
    return None


def _is_in_the_workshop(folders: list[str]) -> bool:
    place = next((index for index, folder in enumerate(folders) if folder in SCRIPT_FOLDERS), None)
    return place is not None and not SERVED_FOLDERS.intersection(folders[:place])


def _is_infrastructure(path: str, text: str) -> bool:
    pure = PurePosixPath(path)
    language = language_of(path)
    if language in INFRASTRUCTURE_LANGUAGES or INFRASTRUCTURE_NAME.match(pure.stem.lower()):
        return True
    folders = {part.lower() for part in pure.parts[:-1]}
    return language in {"yaml", "json"} and bool(folders & INFRASTRUCTURE_FOLDERS or MANIFEST.search(text))


def _strongest_case(path: str, text: str) -> _Case:
    lines = lines_of(text)
    imported = {number for statement in imports_of(None, language_of(path), lines) for number in statement}
    weighed: Counter[str] = Counter()
    for word in _words(path):
        weighed[word] += PATH_WEIGHT
    for word in _words("\n".join(lines[number - 1] for number in imported)):
        weighed[word] += IMPORT_WEIGHT
    for word, count in Counter(_words(text)).items():
        weighed[word] += NAME_WEIGHT * min(count, MOST_OF_ONE_WORD)
    return max((_case(tag, weighed) for tag in STRONG), key=lambda case: case.score)


def _case(tag: ComponentTag, weighed: Counter[str]) -> _Case:
    scores = {word: _weight(word, weighed) * STRONG_WEIGHT for word in STRONG[tag].split()}
    scores.update({word: _weight(word, weighed) for word in WEAK[tag].split()})
    words = sorted((word for word in scores if scores[word]), key=lambda word: -scores[word])
    return _Case(tag, sum(scores.values()), tuple(words[:MOST_WORDS_NAMED]))


def _weight(word: str, weighed: Counter[str]) -> int:
    """Return what a word weighs, in singular and in plural."""
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}es" if word.endswith(("s", "x")) else f"{word}s"
    return weighed[word] + weighed[plural]


def _words(text: str) -> list[str]:
    """Return the words of names in lower case: `getUserRoles` gives get, user, roles."""
    return [word.lower() for word in WORD.findall(text)]
