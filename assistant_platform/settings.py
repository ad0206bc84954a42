"""Every setting, read from the environment; `.env.example` lists them with their defaults."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import structlog

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
    "purge": {"task": "events.purge", "schedule": 3600.0, "options": {"queue": "backlog", "expires": 3600}},
}
JOBS_IN_FLIGHT_PER_ORGANIZATION = env_int("JOBS_IN_FLIGHT_PER_ORGANIZATION", 128)
JOB_LEASE_SECONDS = env_int("JOB_LEASE_SECONDS", 60)  # renewed while the work goes on: how soon a death is noticed
JOB_LONGEST_SECONDS = env_int("JOB_LONGEST_SECONDS", 1800)  # what goes on for longer is taken to hang
JOB_RESEND_SECONDS = env_int("JOB_RESEND_SECONDS", 60)

# --- People -----------------------------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
if IS_TEST:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the real one takes a quarter of a second
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "assistant_platform.web.accounts.AccountAdapter"
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
EMAIL_BACKEND = env_str("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
IS_HTTPS = PUBLIC_URL.startswith("https://")
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
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}
API_REQUESTS_PER_MINUTE = env_int("API_REQUESTS_PER_MINUTE", 600)  # of one token; 0: as many as it likes
SPECTACULAR_SETTINGS = {
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
        "FindingStateEnum": ["unresolved", "muted", "fixed", "removed"],
    },
}

# --- Scans and code ---------------------------------------------------------------------------------------------------

CI_SCAN_MINUTES = env_int("CI_SCAN_MINUTES", 120)  # after that a scan of `semgrep ci` without an end is given up
MAX_REPORT_BYTES = env_int("MAX_REPORT_MEGABYTES", 512) * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # larger uploads are spooled to disk by Django
# Folders on this machine that projects may name as the place of their code; none by default.
LOCAL_CODE_ROOTS = [Path(entry).resolve() for entry in env_list("LOCAL_CODE_ROOTS")]

# --- The platform's own model, the default of every organization that accepts it --------------------------------------

OPENAI_API_KEY = env_secret("OPENAI_API_KEY")
OPENAI_BASE_URL = env_str("OPENAI_BASE_URL")
OPENAI_MODEL = env_str("OPENAI_MODEL", "gpt-5-mini")
MODEL_TIMEOUT_SECONDS = env_int("MODEL_TIMEOUT_SECONDS", 60)

# --- Logs: one JSON object a line, with request and task ids; never code, prompts or keys -----------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": env_str("LOG_LEVEL", "WARNING" if IS_TEST else "INFO")},
    "loggers": {
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
