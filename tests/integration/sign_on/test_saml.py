"""Signing in through a SAML identity provider (pysaml2's), and what forged assertions achieve: nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from lxml import etree

from assistant_platform.web.sign_on import saml
from orgs.models import SignOn
from orgs.permissions import Role
from orgs.selectors import memberships_of
from tenancy.scope import acting_for
from tests.integration.sign_on.conftest import Visitor, words_of
from tests.vendors.saml_server import SamlServer

ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"


def forged(fields: dict[str, str], forge: Callable[[etree._Element], None]) -> dict[str, str]:
    """Return the form with its response changed by somebody between."""
    tree = etree.fromstring(base64.b64decode(fields["SAMLResponse"]))
    forge(tree)
    return {**fields, "SAMLResponse": base64.b64encode(etree.tostring(tree)).decode()}


def test_a_new_person_joins_the_organization_in_the_default_role(by_saml: SignOn, visitor: Visitor) -> None:
    response = visitor.sign_in_by_saml(by_saml)

    assert response.status_code == 302, words_of(response)
    assert visitor.email == "dana@acme.example"
    (member,) = memberships_of(User.objects.get(email="dana@acme.example").pk)
    assert (member.organization_id, member.role) == (by_saml.organization_id, Role.MEMBER)
    assert member.user.get_full_name() == "Dana Ito"


def test_a_person_is_known_by_the_identifier_when_the_address_changes(
    by_saml: SignOn, saml_server: SamlServer, visitor: Visitor
) -> None:
    visitor.sign_in_by_saml(by_saml)
    saml_server.person["email"] = "dana.ito@acme.example"

    again = Visitor()
    again.sign_in_by_saml(by_saml)

    assert again.email == "dana@acme.example"


def test_our_metadata_names_what_the_settings_show(by_saml: SignOn, visitor: Visitor) -> None:
    text = visitor.get(saml.entity_id(by_saml.key)).content.decode()

    assert f'entityID="{saml.entity_id(by_saml.key)}"' in text
    assert f'Location="{saml.acs_url(by_saml.key)}"' in text
    assert 'WantAssertionsSigned="true"' in text


def test_an_unsigned_assertion_lets_nobody_in(by_saml: SignOn, saml_server: SamlServer, visitor: Visitor) -> None:
    saml_server.signs = False

    response = visitor.sign_in_by_saml(by_saml)

    assert (response.status_code, visitor.email) == (403, "")
    assert "signed" in words_of(response)


def test_a_signature_by_sha1_lets_nobody_in(by_saml: SignOn, saml_server: SamlServer, visitor: Visitor) -> None:
    saml_server.signs_with_sha1 = True

    response = visitor.sign_in_by_saml(by_saml)

    assert (response.status_code, visitor.email) == (403, "")
    assert "Deprecated signature algorithm" in words_of(response)


def test_an_assertion_for_another_server_lets_nobody_in(
    by_saml: SignOn, saml_server: SamlServer, visitor: Visitor
) -> None:
    saml_server.audience = "https://other.example/metadata"

    response = visitor.sign_in_by_saml(by_saml)

    assert (response.status_code, visitor.email) == (403, "")
    assert "audience" in words_of(response)


def test_an_answer_nobody_asked_for_lets_nobody_in(by_saml: SignOn, saml_server: SamlServer, visitor: Visitor) -> None:
    saml_server.answers = "id-of-somebody-elses-request"

    response = visitor.sign_in_by_saml(by_saml)

    assert (response.status_code, visitor.email) == (403, "")
    assert "not begun in this browser" in words_of(response)


def test_a_sign_in_that_begins_there_is_refused(by_saml: SignOn, saml_server: SamlServer, visitor: Visitor) -> None:
    response = visitor.bring(by_saml, unasked(by_saml, saml_server))

    assert (response.status_code, visitor.email) == (403, "")
    assert "begin here only" in words_of(response)


def test_a_sign_in_that_may_begin_there_counts_once(by_saml: SignOn, saml_server: SamlServer, visitor: Visitor) -> None:
    with acting_for(by_saml.organization_id):
        SignOn.objects.update(may_begin_there=True)
    fields = unasked(by_saml, saml_server)

    visitor.bring(by_saml, fields)
    thief = Visitor()
    again = thief.bring(by_saml, fields)

    assert visitor.email == "dana@acme.example"
    assert (again.status_code, thief.email) == (403, "")
    assert "used already" in words_of(again)


def test_nothing_is_kept_of_what_the_identity_provider_did_not_sign(by_saml: SignOn, visitor: Visitor) -> None:
    fields = forged(visitor.go_to_saml(by_saml), change_address)
    before = Session.objects.count()

    answers = [
        visitor.client.post(f"/accounts/sign-on/{by_saml.key}/acs/", sent)
        for sent in (fields, {"SAMLResponse": base64.b64encode(b"<a/>" * 9).decode()}, {"SAMLResponse": "no base64"})
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert Session.objects.count() == before


def unasked(sign_on: SignOn, saml_server: SamlServer) -> dict[str, str]:
    saml_server.answers = ""
    response = saml_server.response(saml.entity_id(sign_on.key), saml.acs_url(sign_on.key), "")
    tree = etree.fromstring(response.encode())
    assert not tree.get("InResponseTo")
    return {"SAMLResponse": base64.b64encode(response.encode()).decode()}


def test_a_response_that_was_seen_once_is_refused(by_saml: SignOn, visitor: Visitor) -> None:
    fields = visitor.go_to_saml(by_saml)
    visitor.bring(by_saml, fields)

    response = visitor.bring(by_saml, fields)

    assert response.status_code == 403


def test_a_stolen_response_does_not_answer_another_sign_in(by_saml: SignOn, visitor: Visitor) -> None:
    stolen = visitor.go_to_saml(by_saml)
    thief = Visitor()
    own = thief.go_to_saml(by_saml)
    own_request = etree.fromstring(base64.b64decode(own["SAMLResponse"])).get("InResponseTo")

    response = thief.bring(by_saml, forged(stolen, lambda tree: tree.set("InResponseTo", own_request)))

    assert (response.status_code, thief.email) == (403, "")


def test_a_response_that_is_too_old_is_refused(by_saml: SignOn, visitor: Visitor) -> None:
    fields = visitor.go_to_saml(by_saml)

    with time_machine.travel(timezone.now() + timedelta(minutes=9), tick=False):
        response = visitor.bring(by_saml, fields)

    assert (response.status_code, visitor.email) == (403, "")


def test_an_address_of_another_domain_lets_nobody_in(
    by_saml: SignOn, saml_server: SamlServer, visitor: Visitor, charlie: User
) -> None:
    saml_server.person["email"] = charlie.email

    response = visitor.sign_in_by_saml(by_saml)

    assert (response.status_code, visitor.email) == (403, "")
    assert "umbrella.example is no proved domain" in words_of(response)


# --- Forgeries of what was signed -------------------------------------------------------------------------------------


def change_address(tree: etree._Element) -> None:
    (value,) = [each for each in tree.iter(f"{ASSERTION}AttributeValue") if each.text == "dana@acme.example"]
    value.text = "alice@acme.example"


def drop_signature(tree: etree._Element) -> None:
    signature = next(tree.iter(SIGNATURE))
    signature.getparent().remove(signature)


def wrap_beside(tree: etree._Element) -> None:
    """Put a forged assertion before the signed one."""
    evil = deepcopy(tree.find(f"{ASSERTION}Assertion"))
    drop_signature(evil)
    change_address(evil)
    evil.set("ID", "evil")
    tree.insert(1, evil)


def wrap_inside_signature(tree: etree._Element) -> None:
    """Put a forged assertion in the place of the signed one, which moves into the signature of the forged."""
    signed = tree.find(f"{ASSERTION}Assertion")
    evil = deepcopy(signed)
    change_address(evil)
    evil.set("ID", "evil")
    tree.replace(signed, evil)
    holder = etree.SubElement(evil.find(SIGNATURE), "{http://www.w3.org/2000/09/xmldsig#}Object")
    holder.append(signed)


def wrap_in_extensions(tree: etree._Element) -> None:
    """Hide the signed assertion in the response's extensions."""
    signed = tree.find(f"{ASSERTION}Assertion")
    evil = deepcopy(signed)
    drop_signature(evil)
    change_address(evil)
    evil.set("ID", "evil")
    tree.replace(signed, evil)
    hidden = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    hidden.append(signed)
    tree.insert(1, hidden)


@pytest.mark.parametrize(
    "forge", [change_address, drop_signature, wrap_beside, wrap_inside_signature, wrap_in_extensions]
)
def test_a_forged_assertion_lets_nobody_in(
    by_saml: SignOn, visitor: Visitor, alice: User, forge: Callable[[etree._Element], None]
) -> None:
    fields = visitor.go_to_saml(by_saml)

    response = visitor.bring(by_saml, forged(fields, forge))

    assert (response.status_code, visitor.email) == (403, "")


def test_a_comment_inside_an_address_cuts_nothing_off(
    by_saml: SignOn, saml_server: SamlServer, visitor: Visitor
) -> None:
    saml_server.person["email"] = "alice@acme.example.umbrella.example"

    def cut(tree: etree._Element) -> None:
        (value,) = [each for each in tree.iter(f"{ASSERTION}AttributeValue") if "umbrella" in (each.text or "")]
        value.text = "alice@acme.example"
        comment = etree.Comment("")
        comment.tail = ".umbrella.example"
        value.append(comment)

    response = visitor.bring(by_saml, forged(visitor.go_to_saml(by_saml), cut))

    assert (response.status_code, visitor.email) == (403, "")
    assert "acme.example.umbrella.example is no proved domain" in words_of(response)


def test_what_is_no_response_lets_nobody_in(by_saml: SignOn, visitor: Visitor) -> None:
    bomb = b'<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">]><r>&a;</r>'

    refused = [
        visitor.bring(by_saml, {"SAMLResponse": sent})
        for sent in ("", "no base64!", base64.b64encode(b"<no").decode(), base64.b64encode(bomb).decode())
    ]

    assert [response.status_code for response in refused] == [403, 403, 403, 403]
