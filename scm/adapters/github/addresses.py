"""Where GitHub's API is, given where its pages are."""

from __future__ import annotations

from urllib.parse import urlsplit

PUBLIC_API = "https://api.github.com"


def api_address(base_url: str) -> str:
    """Return the REST API's address, without a slash at its end.

    https://docs.github.com/en/enterprise-server/rest/quickstart and, for `*.ghe.com`,
    https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency.
    """
    base = base_url.strip().rstrip("/")
    parts = urlsplit(base)
    host = (parts.hostname or "").lower()
    if host in {"github.com", "www.github.com", "api.github.com"}:
        return PUBLIC_API
    if host.endswith(".ghe.com"):
        return f"{parts.scheme}://api.{host.removeprefix('api.')}"
    return f"{base}/api/v3"
