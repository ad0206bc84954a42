"""Webhooks of a repository, for those who come with a token; an App has one of its own for all of them."""

from __future__ import annotations

from scm.adapters.base import NotThere
from scm.adapters.github import answers
from scm.adapters.github.connection import Api
from scm.adapters.github.errors import Unprocessable, translated
from scm.adapters.github.manifest import EVENTS


def ensure_webhook(api: Api, at: str, *, url: str, secret: str) -> str:
    """Make the webhook, or set the one with this address right; return its id."""
    shape = {
        "config": {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"},
        "events": list(EVENTS),
        "active": True,
    }
    number = _numbered(api, at, url)
    if number is None:
        try:
            told = api.send("POST", f"{at}/hooks", {"name": "web", **shape})
        except Unprocessable:
            number = _numbered(api, at, url)
            if number is None:
                raise
        else:
            with translated():
                return str(answers.Numbered.model_validate(told).id)
    # GitHub does not show the secret, so it is set again.
    api.send("PATCH", f"{at}/hooks/{number}", shape)
    return str(number)


def remove_webhook(api: Api, at: str, hook_id: str) -> None:
    """Remove a webhook; one that is gone already is no error."""
    try:
        api.send("DELETE", f"{at}/hooks/{int(hook_id)}")
    except NotThere:
        return


def _numbered(api: Api, at: str, url: str) -> int | None:
    for told in api.pages(f"{at}/hooks"):
        with translated():
            hook = answers.Hook.model_validate(told)
        if hook.config.url == url:
            return hook.id
    return None
