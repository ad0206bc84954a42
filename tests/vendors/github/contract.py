"""GitHub's own descriptions, and what they say of a request and its answer."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import graphql
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.templating.paths.exceptions import PathNotFound
from openapi_core.templating.responses.exceptions import ResponseNotFound
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.contract.fetch_contracts import CONTRACTS

HOST = "https://api.github.com"
# Templates whose last part may hold slashes, which the client sends as they are.
DEEP = re.compile(r"^(/repos/[^/]+/[^/]+/(?:contents|git/ref|git/refs|git/matching-refs|branches)/)(.+)$")


class _Request:
    """A request as openapi-core wants it."""

    def __init__(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> None:
        self.host_url, self.path, self.method = HOST, path, method.lower()
        self.body = body or None
        self.content_type = headers.get("Content-Type", "application/json").partition(";")[0]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(query)), header=Headers(dict(headers)), cookie=ImmutableMultiDict()
        )


class _Response:
    """An answer as openapi-core wants it."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status_code, self.data = status, body
        self.content_type = "application/json"
        self.headers = Headers()


class Contract:
    """The part of the description that speaks of these paths."""

    def __init__(self, templates: Iterable[str]) -> None:
        document = json.loads((CONTRACTS / "github.json").read_text(encoding="utf-8"))
        document["paths"] = {template: document["paths"][template] for template in templates}
        _mend(document)
        # The description of the description is not checked: it takes long and is not ours to mend.
        self._api = OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))  # type: ignore[arg-type]

    def problems(
        self,
        *,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        status: int,
        answer: bytes,
    ) -> list[str]:
        """Say in which ways a request, or the answer that it got, is not what GitHub describes."""
        request = _Request(method, _encoded(path), query, headers, body)
        problems = []
        try:
            # Whoever sends nonsense and is told so has broken nothing yet; the test decides what it wanted.
            self._api.validate_request(request)
        except PathNotFound:
            return [f"{method} {path}: GitHub has no such address"]
        except Exception as error:  # whatever openapi-core says, it is about this request
            problems += [f"{method} {path}: request: {each}"[:400] for each in _reasons(error)]
        try:
            self._api.validate_response(request, _Response(status, answer))
        except ResponseNotFound:
            pass  # 401, 403 and 5xx are described for few addresses only
        except Exception as error:  # as above
            problems += [f"{method} {path}: answer {status}: {each}"[:400] for each in _reasons(error)]
        return problems


def check_that_ci_has_them() -> None:
    """Fail where a description was not fetched and this is continuous integration; elsewhere the tests do without."""
    missing = [name for name in ("github.json", "github.graphql") if not (CONTRACTS / name).exists()]
    assert not (missing and os.environ.get("CI")), f"{missing} not there: run tests/contract/fetch_contracts.py"


@lru_cache(maxsize=1)
def contract_for(templates: tuple[str, ...]) -> Contract | None:
    """Return the description of these paths, None where it was not fetched."""
    return Contract(templates) if (CONTRACTS / "github.json").exists() else None


@lru_cache(maxsize=1)
def vendor_schema() -> graphql.GraphQLSchema | None:
    """Return GitHub's own GraphQL schema, None where it was not fetched."""
    path = CONTRACTS / "github.graphql"
    if not path.exists():
        return None
    document = graphql.parse(path.read_text(encoding="utf-8"), no_location=True)
    return graphql.build_ast_schema(document, assume_valid=True)


def _encoded(path: str) -> str:
    match = DEEP.match(path)
    return f"{match[1]}{match[2].replace('/', '%2F')}" if match else path


def _reasons(error: Exception) -> list[object]:
    return list(getattr(error.__cause__, "schema_errors", None) or [repr(error)])[:3]


def _mend(node: Any) -> None:
    """Leave out the discriminators that openapi-core stumbles over (`oneOf` still holds), and let null be null.

    GitHub writes `nullable` beside an `enum` without null, says null all the same, and means it.
    """
    if isinstance(node, dict):
        if isinstance(node.get("discriminator"), dict):
            del node["discriminator"]
        if node.get("nullable") is True and isinstance(node.get("enum"), list):
            node["enum"] = [*node["enum"], None]
        for inner in node.values():
            _mend(inner)
    elif isinstance(node, list):
        for inner in node:
            _mend(inner)
