"""Every setting, read from the environment; `.env.example` lists them with their defaults."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from lib.environment import (
    SettingError,
    database_options,
    database_parts,
    entries_of,
    env_bool,
    env_int,
    env_list,
    env_secret,
    env_str,
    is_given,
)
from lib.logs import json_lines, send_structlog_there

BASE_DIR = Path(__file__).resolve().parent.parent

# `evaluation` is what `manage.py up` sets: one machine, generated secrets, plain HTTP on loopback.
MODES = ("production", "evaluation", "test")
MODE = env_str("ASSISTANT_MODE", "production")
if MODE not in MODES:
    raise SettingError(f"ASSISTANT_MODE is {MODE!r}: use one of {', '.join(MODES)}")
IS_TEST = MODE == "test"
DEBUG = env_bool("DEBUG")
if DEBUG and MODE == "production":
    raise SettingError("DEBUG shows code and settings to visitors: unset it, or set ASSISTANT_MODE=evaluation")

SECRET_KEY = env_secret("SECRET_KEY")
if not SECRET_KEY:
    if MODE == "production" and is_given("DATABASE_URL"):
        raise SettingError(
            "SECRET_KEY is not set: give it 50 random characters, in SECRET_KEY or a file in SECRET_KEY_FILE"
        )
    # For commands that need none (collectstatic, makemigrations, --help): known to nobody, and gone with the process.
    SECRET_KEY = secrets.token_urlsafe(50)
FIELD_ENCRYPTION_KEYS = entries_of(env_secret("FIELD_ENCRYPTION_KEYS")) or [SECRET_KEY]

ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
PUBLIC_URL = env_str("PUBLIC_URL", "http://127.0.0.1:8000")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.mfa",
    "allauth.usersessions",
    "django_htmx",
    "django_structlog",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "tenancy",
    "events",
    "orgs",
    "scm",
    "providers",
    "rules",
    "findings",
    "memories",
    "triage",
    "remediation",
    "notifications",
    "assistant_platform",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Outside all that may refuse a request, so that a refusal carries them too.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "assistant_platform.urls"
WSGI_APPLICATION = "assistant_platform.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "assistant_platform.web.context.navigation",
            ],
        },
    },
    # Texts of mails: nothing in them is markup, so nothing is escaped; asked for by name (notifications.mail).
    {
        "NAME": "plain_text",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" / "mail"],
        "OPTIONS": {"autoescape": False},
    },
]

# --- Database: one server address, three roles (tenancy/backend, docs/decisions/0001) ---------------------------------

DATABASE_URL = env_secret("DATABASE_URL", "postgresql://assistant@127.0.0.1:5432/assistant")
DATABASE_OWNER_ROLE = "assistant_owner"
DATABASE_APP_ROLE = "assistant_app"
DATABASE_SYSTEM_ROLE = "assistant_system"
_DATABASE = {
    "ENGINE": "tenancy.backend",
    "CONN_MAX_AGE": 0,  # back into the pool with the end of each request and Job
    "CONN_HEALTH_CHECKS": True,  # a database that was restarted costs no request
    **database_parts(DATABASE_URL),
}
_DATABASE_OPTIONS = database_options(DATABASE_URL)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_DATABASE,
        "OPTIONS": {
            **_DATABASE_OPTIONS,
            "options": f"-c role={DATABASE_APP_ROLE}",
            # 8 connections serve 64 threads, since none is held while a model answers (measured, docs/decisions/0002).
            "pool": {"min_size": 1, "max_size": env_int("DATABASE_POOL_SIZE", 8), "timeout": 30},
        },
    },
    # Only `migrate` uses it; tables belong to a role the application never is.
    "owner": {
        **_DATABASE,
        "IS_SCHEMA_OWNER": True,
        "OPTIONS": {**_DATABASE_OPTIONS, "options": f"-c role={DATABASE_OWNER_ROLE}"},
    },
}
if IS_TEST:
    DATABASES["default"]["OPTIONS"].pop("pool")  # each test closes what it opened
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env_secret("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "assistant_platform.cache.SharedCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}

# --- Celery carries Jobs; PostgreSQL keeps them (events) --------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # a lost message costs nothing: the sweep sends its Job again
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "round_robin",
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
}
CELERY_BEAT_SCHEDULE = {
    "dispatch": {"task": "events.dispatch", "schedule": 2.0, "options": {"queue": "interactive", "expires": 10}},
    "sweep": {"task": "events.sweep", "schedule": 15.0, "options": {"queue": "interactive", "expires": 30}},
    # Looked at every hour, so that a beat which is often restarted still gets to it.
    "daily": {"task": "events.daily", "schedule": 3600.0, "options": {"queue": "backlog", "expires": 3600}},
    "purge": {"task": "events.purge", "schedule": 3600.0, "options": {"queue": "backlog", "expires": 3600}},
    # Looks at what is due, so that a Monday on which beat was down is caught up.
    "priorities": {
        "task": "notifications.look_for_due_weeks",
        "schedule": 120.0,
        "options": {"queue": "backlog", "expires": 120},
    },
    "reservations": {
        "task": "providers.sweep_reservations",
        "schedule": 60.0,
        "options": {"queue": "interactive", "expires": 60},
    },
}
JOBS_IN_FLIGHT_PER_ORGANIZATION = env_int("JOBS_IN_FLIGHT_PER_ORGANIZATION", 128)
JOB_LEASE_SECONDS = env_int("JOB_LEASE_SECONDS", 60)  # renewed while the work goes on: how soon a death is noticed
JOB_LONGEST_SECONDS = env_int("JOB_LONGEST_SECONDS", 1800)  # what goes on for longer is taken to hang
JOB_RESEND_SECONDS = env_int("JOB_RESEND_SECONDS", 60)
JOB_LONGEST_WAIT_SECONDS = env_int("JOB_LONGEST_WAIT_SECONDS", 86_400)  # for its turn; then its finding says so

# --- People -----------------------------------------------------------------------------------------------------------

# Who may make an account: anyone; whom an organization invited; nobody (accounts come from `create_org`).
SIGN_UP = env_str("SIGN_UP", "invited")
if SIGN_UP not in ("open", "invited", "closed"):
    raise SettingError(f"SIGN_UP is {SIGN_UP!r}: use one of open, invited, closed")
ORGANIZATIONS_CREATED_BY = env_str("ORGANIZATIONS_CREATED_BY", "operator")
if ORGANIZATIONS_CREATED_BY not in ("anyone", "operator"):
    raise SettingError(f"ORGANIZATIONS_CREATED_BY is {ORGANIZATIONS_CREATED_BY!r}: use one of anyone, operator")

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
if IS_TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes a quarter of a second
ACCOUNT_ADAPTER = "assistant_platform.web.accounts.AccountAdapter"
ACCOUNT_FORMS = {"signup": "assistant_platform.web.account_forms.SignUpForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True  # in the browser that signed up, and in no other
ACCOUNT_MAX_EMAIL_ADDRESSES = 5
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a changed password or second factor is told to the person by mail
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
MFA_ADAPTER = "assistant_platform.web.accounts.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Assistant"
MFA_TOTP_TOLERANCE = 1  # telephones' clocks are off by some seconds
SOCIALACCOUNT_ADAPTER = "assistant_platform.web.sign_on.adapter.SignOnAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # the identity provider answers for the addresses of a proved domain
# Which name servers prove that an organization owns an e-mail domain; those of the machine where empty.
DNS_SERVERS = env_list("DNS_SERVERS")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
IS_HTTPS = PUBLIC_URL.startswith("https://")
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_SSL_REDIRECT = env_bool("SECURE_SSL_REDIRECT")
SECURE_HSTS_SECONDS = env_int("SECURE_HSTS_SECONDS", 31_536_000 if IS_HTTPS else 0)
IS_BEHIND_PROXY = env_bool("BEHIND_PROXY")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_BEHIND_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(IS_BEHIND_PROXY)  # else everybody shares the proxy's count of wrong passwords
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],  # Tabler draws its check marks from data: addresses
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# --- Mail -------------------------------------------------------------------------------------------------------------

EMAIL_HOST = env_str("EMAIL_HOST")
EMAIL_SECURITY = env_str("EMAIL_SECURITY", "starttls")
if EMAIL_SECURITY not in ("starttls", "tls", "none"):
    raise SettingError(f"EMAIL_SECURITY is {EMAIL_SECURITY!r}: use one of starttls, tls, none")
EMAIL_USE_TLS, EMAIL_USE_SSL = EMAIL_SECURITY == "starttls", EMAIL_SECURITY == "tls"
EMAIL_PORT = env_int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env_str("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env_secret("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = env_int("EMAIL_TIMEOUT_SECONDS", 10)
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "Assistant <assistant@localhost>")
# Without a mail server what would be sent is written to the log.
IS_MAIL_SET_UP = bool(EMAIL_HOST)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if IS_MAIL_SET_UP else 'console'}.EmailBackend"
# Where nobody can receive the link, on one's own machine, it is not waited for; in production an address is proved.
ACCOUNT_EMAIL_VERIFICATION = "optional" if MODE == "evaluation" and not IS_MAIL_SET_UP else "mandatory"

# --- Pages ------------------------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
# In tests nothing is gathered: the finders serve the files where they lie.
STATIC_ROOT = None if IS_TEST else Path(env_str("STATIC_ROOT", str(BASE_DIR / "staticfiles")))
NODE_MODULES = Path(env_str("NODE_MODULES", str(BASE_DIR / "node_modules")))
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "assistant_platform.web.assets.NamedAssetsFinder",
]
STATICFILES_DIRS = [BASE_DIR / "assistant_platform" / "web" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if IS_TEST
        else "assistant_platform.web.storage.PageAssetStorage"
    },
}
WHITENOISE_USE_FINDERS = IS_TEST
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["assistant_platform.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["assistant_platform.api.authentication.DeclaredPermission"],
    "DEFAULT_SCHEMA_CLASS": "assistant_platform.api.describing.ApiSchema",
    "EXCEPTION_HANDLER": "assistant_platform.api.problems.answer",
    "DEFAULT_PARSER_CLASSES": ["assistant_platform.api.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)  # of one token; 0: as many as it likes
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.0",  # 3.0 cannot say that an object may be null
    "TITLE": "Assistant API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "assistant_platform.api.describing.add_problem",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ConfidenceEnum": "orgs.models.FixConfidence",  # a fix and a verdict have the same words
        "IgnoreReasonEnum": "findings.models.IgnoreReason",
        "VerdictEnum": ["true_positive", "false_positive", "unsure"],
        "PresenceStateEnum": "findings.models.PresenceState",
        "EventKindEnum": "events.kinds.Kind",
        "HostKindEnum": "scm.models.HostKind",
        "FindingStateEnum": ["unresolved", "muted", "fixed", "removed"],
    },
}

# --- Scans and code ---------------------------------------------------------------------------------------------------

CI_SCAN_MINUTES = env_int("CI_SCAN_MINUTES", 120)  # after that a scan of `semgrep ci` without an end is given up
HOOK_MAX_BYTES = env_int("HOOK_MAX_MEGABYTES", 25) * 1024 * 1024  # GitHub sends no larger webhook
MAX_REPORT_BYTES = env_int("MAX_REPORT_MEGABYTES", 512) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # larger uploads are spooled to disk by Django
# Folders on this machine that projects may name as the place of their code; none by default.
LOCAL_CODE_ROOTS = [Path(entry).resolve() for entry in env_list("LOCAL_CODE_ROOTS")]
# Longest time that an organization's prompts, answers, uploaded code and reports are kept; 180 is the product's own.
RETENTION_MAX_DAYS = env_int("RETENTION_MAX_DAYS", 180)
if not 0 <= RETENTION_MAX_DAYS <= 180:  # noqa: PLR2004
    raise SettingError(f"RETENTION_MAX_DAYS is {RETENTION_MAX_DAYS}: use a number of days from 0 to 180")

# --- The platform's own model, the default of every organization that accepts it --------------------------------------

OPENAI_API_KEY = env_secret("OPENAI_API_KEY")
OPENAI_BASE_URL = env_str("OPENAI_BASE_URL")
OPENAI_MODEL = env_str("OPENAI_MODEL", "gpt-5-mini")
MODEL_TIMEOUT_SECONDS = env_int("MODEL_TIMEOUT_SECONDS", 60)
# A provider that asks to wait, or is away, is waited for as long; then findings say that it gave no answer.
MODEL_PATIENCE_SECONDS = env_int("MODEL_PATIENCE_SECONDS", 3600)
# What the platform's own key may be asked in a minute, altogether and by one organization; 0: no limit of ours.
MODEL_REQUESTS_PER_MINUTE = env_int("MODEL_REQUESTS_PER_MINUTE", 0)
MODEL_REQUESTS_PER_MINUTE_PER_ORGANIZATION = env_int("MODEL_REQUESTS_PER_MINUTE_PER_ORGANIZATION", 0)
# Hosts besides Azure's own that a Target URI may name: a company's gateway before Azure OpenAI.
AZURE_OPENAI_GATEWAYS = frozenset(host.lower() for host in env_list("AZURE_OPENAI_GATEWAYS"))
# Lets organizations ask Bedrock as this server itself, whose AWS identity its environment or machine gives.
AWS_SERVER_IDENTITY_ALLOWED = env_bool("AWS_SERVER_IDENTITY_ALLOWED")

# --- Slack: the one app of this server, which organizations add to their workspaces -----------------------------------

SLACK_CLIENT_ID = env_str("SLACK_CLIENT_ID")
SLACK_CLIENT_SECRET = env_secret("SLACK_CLIENT_SECRET")
SLACK_SIGNING_SECRET = env_secret("SLACK_SIGNING_SECRET")
# Slack's own address; another for GovSlack. Its client appends names of methods to it.
SLACK_API_URL = env_str("SLACK_API_URL", "https://slack.com/api/").rstrip("/") + "/"

# --- Requests to hosts that people typed (lib.http) -------------------------------------------------------------------

OUTBOUND_ALLOWED_NETWORKS = env_list("OUTBOUND_ALLOWED_NETWORKS")
OUTBOUND_ALLOWED_PORTS = env_list("OUTBOUND_ALLOWED_PORTS", "80,443,8080,8443")

# --- Logs: one JSON object a line, with request and task ids; never code, prompts or keys -----------------------------

LOGGING = json_lines(level=env_str("LOG_LEVEL", "WARNING" if IS_TEST else "INFO"))
send_structlog_there()
