"""The log: one JSON object a line, out of which is taken what must never stand there."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

import structlog

# An API token of ours: somebody put it into an address, or a library told of a header.
# A digest of that length is cut as well, which harms nobody.
_TOKEN = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def without_tokens(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return a line of the log with every API token cut to its first characters, as structlog's processors go."""
    for name, value in list(entry.items()):
        if _TOKEN.search(text := str(value)):
            entry[name] = _TOKEN.sub(lambda match: f"{match[0][:8]}…", text)
    return entry


# What every line gets, whether it was written by structlog or by a library through `logging`.
_OF_EVERY_LINE = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
)


def json_lines(*, level: str) -> dict[str, Any]:
    """Return Django's LOGGING: everything to the console, from a level up."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    without_tokens,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": list(_OF_EVERY_LINE),
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "httpx2": {"level": "WARNING"},
            # Their DEBUG writes whole requests: keys, and the code in a question.
            **{name: {"level": "WARNING"} for name in ("openai", "google_genai", "boto3", "botocore", "httpcore2")},
            "celery.app.trace": {"level": "WARNING"},
        },
    }


def send_structlog_there() -> None:
    """Let what structlog is given go the same way."""
    structlog.configure(
        processors=[
            *_OF_EVERY_LINE[:1],
            structlog.stdlib.filter_by_level,
            *_OF_EVERY_LINE[1:],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
