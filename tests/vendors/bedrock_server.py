"""Bedrock and STS on loopback, both by botocore's own service models; signatures are checked as AWS does."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.model import OperationModel
from botocore.session import Session
from botocore.validate import ParamValidator

from tests.vendors.server import Body, Exchange, Scripted, VendorServer

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
REGION = "eu-central-1"
TOOL_USE_ID = "tooluse_1"
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<signed>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Identity:
    """Somebody whom AWS knows."""

    key: str
    secret: str
    token: str | None = None


class BedrockServer(VendorServer[Exchange]):
    """AWS, which knows these identities, and one role that they may assume.

    `expires_in`: how long an assumed role lasts.
    """

    exchange_type = Exchange

    def __init__(self, *identities: Identity) -> None:
        super().__init__()
        self.identities = {identity.key: identity for identity in identities}
        self.assumed: list[dict[str, str]] = []
        self.expires_in = timedelta(hours=1)
        self.refuses_roles = False

    def problems_of(self, exchange: Exchange) -> list[str]:
        """Say in which ways a request is not what AWS describes."""
        if exchange.path == "/":
            return problems_of_input(operation("sts", "AssumeRole"), _form(exchange))
        if "Authorization" not in exchange.headers:
            return ["the request is not signed"]
        model_id = _model_id(exchange.path)
        if model_id is None:
            return []
        return problems_of_input(operation("bedrock-runtime", "Converse"), {**exchange.body, "modelId": model_id})

    def wrong_address(self, exchange: Exchange) -> Scripted | None:
        """Refuse what is signed by nobody known, answer STS, and refuse paths that are none."""
        is_sts = exchange.path == "/"
        if not self._is_signed(exchange, service="sts" if is_sts else "bedrock"):
            if is_sts:
                return sts_error(403, "SignatureDoesNotMatch")
            return error(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        if is_sts:
            return self._assume_role(exchange)
        if _model_id(exchange.path) is None:
            return error(404, "UnknownOperationException", "")
        return None

    def _is_signed(self, exchange: Exchange, *, service: str) -> bool:
        given = AUTHORIZATION.fullmatch(exchange.headers.get("Authorization", ""))
        identity = self.identities.get(given["key"]) if given else None
        if given is None or identity is None or given["service"] != service:
            return False
        signed = {name: exchange.headers[name.title()] for name in given["signed"].split(";")}
        if identity.token != exchange.headers.get("X-Amz-Security-Token"):
            return False
        url = f"http://{exchange.headers['Host']}{exchange.path}"
        request = AWSRequest(method="POST", url=url, data=exchange.content, headers=signed)
        request.context["timestamp"] = exchange.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(identity.key, identity.secret, identity.token), service, given["region"])
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return bool(signer.signature(text, request) == given["signature"])

    def _assume_role(self, exchange: Exchange) -> Scripted:
        asked = _form(exchange)
        self.assumed.append(asked)
        if self.refuses_roles:
            return sts_error(403, "AccessDenied")
        number = len(self.assumed)
        identity = Identity(key=f"ASIAROLE{number:08}", secret=f"role-secret-{number}", token=f"role-token-{number}")
        self.identities[identity.key] = identity
        return assumed_role(identity, expires=datetime.now(UTC) + self.expires_in)


# --- Bedrock's replies ------------------------------------------------------------------------------------------------


def conversed(*blocks: Mapping[str, Any], stop_reason: str = "end_turn") -> Scripted:
    """Return an answer with these blocks of content."""
    body = {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 900, "outputTokens": 120, "totalTokens": 1020},
        "metrics": {"latencyMs": 400},
    }
    return checked(body)


def used_tool(value: Any, *, stop_reason: str = "tool_use") -> Scripted:
    """Return an answer by the tool."""
    return conversed(
        {"toolUse": {"toolUseId": TOOL_USE_ID, "name": "give_answer", "input": value}}, stop_reason=stop_reason
    )


def checked(body: Body) -> Scripted:
    """Return an answer that Bedrock could have given, or fail."""
    shape = operation("bedrock-runtime", "Converse").output_shape
    report = ParamValidator().validate(body, shape)
    assert not report.has_errors(), report.generate_report()
    assert body["stopReason"] in shape.members["stopReason"].enum
    return Scripted(body=json.dumps(body).encode())


def error(status: int, code: str, message: str) -> Scripted:
    """Return an error as AWS sends it: the code in a header."""
    described = {shape.name: shape.metadata for shape in operation("bedrock-runtime", "Converse").error_shapes}
    if code in described:
        assert described[code]["error"]["httpStatusCode"] == status
    return Scripted(status, json.dumps({"message": message}).encode(), {"x-amzn-ErrorType": f"{code}:http://internal/"})


# --- STS's replies, which are XML -------------------------------------------------------------------------------------


def assumed_role(identity: Identity, *, expires: datetime) -> Scripted:
    """Return the credentials of a role that was assumed."""
    values = {
        "AccessKeyId": identity.key,
        "SecretAccessKey": identity.secret,
        "SessionToken": identity.token or "",
        "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert values.keys() == operation("sts", "AssumeRole").output_shape.members["Credentials"].members.keys()
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())
    body = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<AssumeRoleResult><Credentials>{inner}</Credentials></AssumeRoleResult>"
        "<ResponseMetadata><RequestId>r1</RequestId></ResponseMetadata></AssumeRoleResponse>"
    )
    return Scripted(body=body.encode(), headers={"Content-Type": "text/xml"})


def sts_error(status: int, code: str) -> Scripted:
    """Return an error as STS sends it."""
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    )
    return Scripted(status, body.encode(), {"Content-Type": "text/xml"})


# --- The service models -----------------------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def operation(service: str, name: str) -> OperationModel:
    """Return AWS's description of one operation."""
    return Session().get_service_model(service).operation_model(name)


def problems_of_input(described: OperationModel, given: Mapping[str, Any]) -> list[str]:
    """Say in which ways parameters are not what AWS describes."""
    report = ParamValidator().validate(dict(given), described.input_shape)
    problems = [report.generate_report()] if report.has_errors() else []
    return problems + [f"unknown parameter {name}" for name in given.keys() - described.input_shape.members.keys()]


def _form(exchange: Exchange) -> dict[str, str]:
    given = dict(parse_qsl(exchange.content.decode()))
    assert (given.pop("Action"), given.pop("Version")) == ("AssumeRole", "2011-06-15")
    return given


def _model_id(path: str) -> str | None:
    found = re.fullmatch(r"/model/([^/]+)/converse", path)
    return unquote(found[1]) if found else None
