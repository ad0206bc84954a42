"""SAML 2.0: allauth's provider on python3-saml, stricter where both let things pass."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth as Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_Error as SamlError
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as SamlInvalid
from onelogin.saml2.response import OneLogin_Saml2_Response as Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings as Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

import orgs.sign_on.services
from assistant_platform.web.sign_on.answers import login_of, public_address
from orgs.models import SignOn
from orgs.sign_on.services import NotAdmitted, Vouched
from tenancy.scope import acting_for

LONGEST_RESPONSE = 300_000
CLOCK_SKEW = timedelta(seconds=Constants.ALLOWED_CLOCK_DRIFT)
NAMES_AN_ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
CHANGES_EVERY_TIME = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
NAMESPACES = {"saml": Constants.NS_SAML, "samlp": Constants.NS_SAMLP}
NOT_ACCEPTED = "The answer of {name} could not be accepted: {reason}. Begin again; if it stays, tell an Admin."


def entity_id(key: str) -> str:
    """Return our entity id, where our metadata is too."""
    return public_address("sign-on-metadata", key)


def acs_url(key: str) -> str:
    """Return where identity providers send people with their assertion."""
    return public_address("sign-on-acs", key)


def metadata(key: str) -> bytes:
    """Return our SAML metadata, as identity providers read it."""
    settings = Settings({"strict": True, "sp": _service_provider(key), "security": _SECURITY}, sp_validation_only=True)
    text = settings.get_sp_metadata()
    return text if isinstance(text, bytes) else str(text).encode()


class SamlProvider(SAMLProvider):  # type: ignore[misc]  # allauth carries no types
    """Begins at the identity provider, and reads what it asserts."""

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        """Send the browser to the identity provider; the answer has to name this request."""
        auth = Auth(_request_at_acs(self.app.sign_on.key, {}), self._settings())
        address = auth.login(return_to="")
        self.stash_redirect_state(request, process, next_url, data, state_id=auth.get_last_request_id(), **kwargs)
        return HttpResponseRedirect(address)

    def answered(self, request: HttpRequest, response: str) -> SocialLogin:
        """Return who signed in, from a SAML response in base64. Raises NotAdmitted."""
        sign_on: SignOn = self.app.sign_on
        assertion = self.assertion_in(response)
        state = self._state_of(request, assertion, sign_on)
        with self._explained():
            vouched = assertion.vouched(sign_on)
        with acting_for(sign_on.organization_id):
            orgs.sign_on.services.use_assertion(
                sign_on=sign_on, assertion_id=assertion.identifier, expires_at=assertion.ends_at + CLOCK_SKEW
            )
        return login_of(self, vouched, state)

    def assertion_in(self, response: str) -> Assertion:
        """Return what a SAML response in base64 asserts, all checked but who brings it. Raises NotAdmitted."""
        with self._explained():
            return Assertion(response, self.app.sign_on.key, self._settings())

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (SamlError, SamlInvalid, binascii.Error, ValueError, etree.LxmlError) as error:
            reason = " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__
            raise NotAdmitted(NOT_ACCEPTED.format(name=self.app.sign_on.name, reason=reason)) from error

    def _state_of(self, request: HttpRequest, assertion: Assertion, sign_on: SignOn) -> dict[str, Any]:
        if assertion.answers:
            state: dict[str, Any] | None = statekit.unstash_state(
                request, provider_id=self.sub_id, state_id=assertion.answers
            )
            if state is None:
                raise NotAdmitted("This sign-in was not begun in this browser, or too long ago. Begin again.")
            return state
        if not sign_on.may_begin_there:
            raise NotAdmitted(f"{sign_on.organization} lets a sign-in begin here only. Begin on the sign-in page.")
        return {"process": "login"}

    def _settings(self) -> dict[str, Any]:
        sign_on: SignOn = self.app.sign_on
        return {
            "strict": True,
            "security": _SECURITY,
            "sp": _service_provider(sign_on.key),
            "idp": {
                "entityId": sign_on.issuer,
                "singleSignOnService": {"url": sign_on.sso_url, "binding": Constants.BINDING_HTTP_REDIRECT},
                "x509certMulti": {"signing": sign_on.certificates.split("\n")},
            },
        }


class Assertion:
    """The one assertion of a response, after everything about it was checked.

    python3-saml checks signature, issuer, status and times. It lets an assertion without an audience pass, finds our
    address anywhere in the recipient's, and leaves it to the caller to compare what the assertion answers: done here,
    on the signed element itself.
    """

    def __init__(self, response: str, key: str, settings: dict[str, Any]) -> None:
        """Read and check. Raises SamlError, or what the parsers raise."""
        if len(response) > LONGEST_RESPONSE:
            raise ValueError("it is too long")
        parsed = Response(Settings(settings), response)
        parsed.is_valid(_request_at_acs(key, {"SAMLResponse": response}), raise_exceptions=True)
        self._response = parsed
        # Exactly one, and signed itself: both were checked above, so nothing else can have been slipped under it.
        (self._element,) = parsed.get_xml_document().iterfind(".//saml:Assertion", NAMESPACES)
        self.answers = str(parsed.get_in_response_to() or "")
        self.identifier = str(self._element.get("ID"))
        self._require_audience(entity_id(key))
        self.ends_at = self._end_of_bearer(acs_url(key))

    def _require_audience(self, ours: str) -> None:
        restrictions = self._element.findall("saml:Conditions/saml:AudienceRestriction", NAMESPACES)
        named = [
            [(audience.text or "").strip() for audience in each.findall("saml:Audience", NAMESPACES)]
            for each in restrictions
        ]
        if not named or any(ours not in audiences for audiences in named):
            raise ValueError("it is not meant for this server (audience)")

    def _end_of_bearer(self, ours: str) -> datetime:
        """Return until when the bearer may come, by a confirmation that names our address and our request."""
        now = datetime.now(UTC)
        for confirmation in self._element.findall("saml:Subject/saml:SubjectConfirmation", NAMESPACES):
            given = confirmation.find("saml:SubjectConfirmationData", NAMESPACES)
            if confirmation.get("Method") != Constants.CM_BEARER or given is None or not given.get("NotOnOrAfter"):
                continue
            ends_at = datetime.fromtimestamp(Utils.parse_SAML_to_time(given.get("NotOnOrAfter")), UTC)
            if given.get("Recipient") == ours and given.get("InResponseTo", "") == self.answers and ends_at > now:
                return ends_at
        raise ValueError("it is not confirmed for this address and this sign-in (recipient)")

    def vouched(self, sign_on: SignOn) -> Vouched:
        """Return what it says of the person, by the names of attributes that the organization chose."""
        attributes: dict[str, list[str | None]] = self._response.get_attributes()
        named = self._response.get_nameid_data()
        name_id, form = named.get("Value", ""), named.get("Format", "")

        def first(name: str) -> str:
            values = attributes.get(name) or [""] if name else [""]
            return (values[0] or "").strip()

        email = first(sign_on.email_attribute) or (name_id if form == NAMES_AN_ADDRESS else "")
        lasting_name = "" if form == CHANGES_EVERY_TIME else name_id
        identifier = first(sign_on.id_attribute) or lasting_name or email
        if not identifier:
            raise ValueError("it names nobody: neither the id attribute nor a lasting NameID is there")
        return Vouched(
            identifier=identifier,
            email=email,
            first_name=first(sign_on.first_name_attribute),
            last_name=first(sign_on.last_name_attribute),
        )


_SECURITY = {
    "authnRequestsSigned": False,
    "wantAssertionsSigned": True,
    "wantMessagesSigned": False,
    "wantAttributeStatement": False,  # some send an e-mail address as NameID and nothing else
    "wantNameId": True,
    "requestedAuthnContext": False,
    "rejectDeprecatedAlgorithm": True,
    "signatureAlgorithm": Constants.RSA_SHA256,
    "digestAlgorithm": Constants.SHA256,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,
}


def _service_provider(key: str) -> dict[str, Any]:
    return {
        "entityId": entity_id(key),
        "assertionConsumerService": {"url": acs_url(key), "binding": Constants.BINDING_HTTP_POST},
        "NameIDFormat": Constants.NAMEID_UNSPECIFIED,
    }


def _request_at_acs(key: str, sent: dict[str, str]) -> dict[str, Any]:
    """Return a request as python3-saml takes it, at our public address whatever host it came by."""
    ours = urlsplit(acs_url(key))
    return {
        "https": "on" if ours.scheme == "https" else "off",
        "http_host": ours.netloc,
        "script_name": "",
        "path_info": ours.path,
        "get_data": {},
        "post_data": sent,
    }
