from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from assistant_platform.web import health


def test_health_needs_no_sign_in_and_no_database(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readiness_looks_at_database_and_broker(client: Client) -> None:
    response = client.get("/readyz")

    assert response.json() == {"status": "ok", "database": "ok", "broker": "ok"}


@pytest.mark.django_db
def test_a_broker_that_is_gone_is_named(client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "ok", "broker": "unreachable"}


@pytest.mark.django_db
def test_a_database_that_is_gone_is_named(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError

    monkeypatch.setattr(health, "_ask_database", gone)

    response = client.get("/readyz")

    assert (response.status_code, response.json()["database"]) == (503, "unreachable")
