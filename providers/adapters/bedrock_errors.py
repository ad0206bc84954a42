"""What AWS says when Bedrock cannot answer, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from lib.http.policy import OutboundError
from providers.adapters.base import ProviderError
from providers.adapters.connection import refusal
from providers.adapters.deadline import AnswerTooLong

UNREADABLE = "The provider's answer cannot be read: it is no answer of Bedrock's."
WRONG_IDENTITY = {
    *("UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "SignatureDoesNotMatch"),
    *("MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidClientTokenId", "NotAuthorized"),
    *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId"),
}
BUSY = {"ThrottlingException", "Throttling", "TooManyRequestsException", "ServiceQuotaExceededException"}
PASSING = {
    "ModelNotReadyException": "AWS is still loading the model. It will be asked again.",
    "ModelErrorException": "The model failed inside Bedrock (424).",
    "ModelTimeoutException": "The model did not answer in time inside Bedrock (408).",
    "ModelStreamErrorException": "The model failed inside Bedrock (424).",
}


class Unsupported(Exception):
    """The model does not know a part of the API."""

    def __init__(self, part: str, message: str) -> None:
        super().__init__(message)
        self.part = part


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn what AWS, its SDK and the network say into ProviderError, or Unsupported."""
    try:
        yield
    except AnswerTooLong as error:
        raise ProviderError(str(error), permanent=False) from error
    except OutboundError as error:
        raise refusal(error) from error
    except ClientError as error:
        raise _from_aws(error) from error
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ProviderError(
            "This server has no AWS identity of its own, which a role needs. Ask its operator, or give an access key.",
            permanent=True,
            about="key",
        ) from error
    except ParamValidationError as error:
        raise ProviderError(
            "This cannot be the name of a model. Check the model.", permanent=True, about="model"
        ) from error
    except httpx2.TimeoutException as error:
        raise ProviderError("The provider did not answer in time.", permanent=False, about="base_url") from error
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise ProviderError("The provider's address cannot be used.", permanent=True, about="base_url") from error
    except UnicodeEncodeError as error:
        raise ProviderError("The key has characters that cannot be sent.", permanent=True, about="key") from error
    except httpx2.HTTPError as error:
        raise ProviderError(
            f"The provider cannot be reached: {error}"[:300], permanent=False, about="base_url"
        ) from error
    except (BotoCoreError, ValueError, TypeError, AttributeError, KeyError) as error:
        # The SDK takes the shape of a body for granted.
        raise ProviderError(UNREADABLE, permanent=False) from error


def _from_aws(error: ClientError) -> ProviderError | Unsupported:
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    if error.operation_name == "AssumeRole":
        return _from_role(code, status)
    if code in WRONG_IDENTITY or status == 401:  # noqa: PLR2004  (unauthorized)
        return _wrong_identity(message)
    if code in BUSY:
        return _busy(message)
    if code in PASSING:
        return ProviderError(PASSING[code], permanent=False)
    if code == "AccessDeniedException" or status == 403:  # noqa: PLR2004  (forbidden)
        return _denied(message)
    if code == "ResourceNotFoundException" or status == 404:  # noqa: PLR2004  (not found)
        return _unknown_model()
    if code == "ValidationException":
        return _invalid(message)
    return _other_status(status)


def _other_status(status: int) -> ProviderError:
    if 300 <= status < 400:  # noqa: PLR2004  (a redirect)
        return ProviderError(
            f"The provider sends us on to another address ({status}), which is not followed. Check the endpoint.",
            permanent=True,
            about="base_url",
        )
    if status == 429:  # noqa: PLR2004  (a gateway's own limit)
        return _busy("")
    if 400 <= status < 500:  # noqa: PLR2004  (ours to change)
        return ProviderError(f"AWS refuses the request ({status}).", permanent=True)
    return ProviderError(f"The provider failed ({status}).", permanent=False)


def _from_role(code: str, status: int) -> ProviderError:
    if code in WRONG_IDENTITY:
        return ProviderError(
            "AWS does not know the identity with which this server assumes roles. Ask its operator.",
            permanent=True,
            about="key",
        )
    if code in {"AccessDenied", "AccessDeniedException", "ValidationError"}:
        return ProviderError(
            "The role cannot be assumed (403). Check its ARN, and that its trust policy names this server's identity"
            " and the external ID.",
            permanent=True,
            about="role_arn",
        )
    if code == "RegionDisabledException":
        return ProviderError("This region is not enabled in the role's account.", permanent=True, about="region")
    return ProviderError(f"AWS's identity service failed ({status}).", permanent=False)


def _wrong_identity(message: str) -> ProviderError:
    lower = message.lower()
    if "signature expired" in lower or "not yet current" in lower:
        return ProviderError(
            "AWS refuses the signature for its time (403): the clock of this server is wrong. Ask its operator.",
            permanent=True,
            about="key",
        )
    return ProviderError(
        "AWS refuses the keys (403). Check the access key ID and the secret access key.", permanent=True, about="key"
    )


def _busy(message: str) -> ProviderError:
    what = "the tokens per day" if "per day" in message.lower() else "the rate"
    return ProviderError(
        f"AWS limits {what} of this model (429). Where that happens often, raise it under Service Quotas.",
        permanent=False,
        is_rate_limit=True,
    )


def _denied(message: str) -> ProviderError:
    lower = message.lower()
    if "access to the model" in lower or "model access" in lower or "marketplace" in lower:
        return ProviderError(
            "This AWS account has no access to the model (403). Ask for it in the Bedrock console under Model access.",
            permanent=True,
            about="model",
        )
    return ProviderError(
        "The keys or the role may not use this model (403). Allow bedrock:InvokeModel for it in IAM.",
        permanent=True,
        about="key",
    )


def _unknown_model() -> ProviderError:
    return ProviderError(
        "Bedrock knows no such model in this region (404). Check the model's ID and the region.",
        permanent=True,
        about="model",
    )


def _invalid(message: str) -> ProviderError | Unsupported:
    lower = message.lower()
    if "on-demand throughput" in lower or "inference profile" in lower:
        return ProviderError(
            "This model is reached by an inference profile only (400). Give the profile's ID, such as eu.… or us.…,"
            " in place of the model's.",
            permanent=True,
            about="model",
        )
    if "model identifier" in lower or "model id" in lower:
        return _unknown_model()
    if "too long" in lower or "context length" in lower or "too many input tokens" in lower:
        return ProviderError("The question is too long for the model.", permanent=True, refused=True)
    for part, signs in (
        ("tool choice", ("toolchoice", "tool_choice", "tool choice")),
        ("tools", ("tool use", "toolconfig", "tools")),
        ("system", ("system message", "system prompt", "system instruction")),
        ("room", ("maximum tokens", "max_tokens", "maxtokens", "max tokens")),
    ):
        if any(sign in lower for sign in signs):
            return Unsupported(part, message)
    return ProviderError(f"AWS refuses the request (400): {message[:250]}", permanent=True)
