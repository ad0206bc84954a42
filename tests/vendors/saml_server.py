"""A SAML identity provider: pysaml2's on loopback, with a key of its own.

pysaml2 signs through the program xmlsec1; here it signs by the same library's Python module, so that nothing needs to
be installed. A test may have it get things wrong, by its fields.
"""

from __future__ import annotations

import html
import tempfile
import warnings
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

with warnings.catch_warnings():
    # pysaml2 names ciphers that `cryptography` is about to move; nothing here uses them.
    warnings.simplefilter("ignore")
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor
    from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
    from saml2.server import Server
    from saml2.sigver import CryptoBackend
    from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA1, SIG_RSA_SHA256

PASSWORD_CONTEXT = {"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}
BASIC_NAMES = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
NAMES = {name: name for name in ("id", "email", "firstName", "lastName")}
ATTRIBUTE_MAP = f"MAP = { ({'identifier': BASIC_NAMES, 'fro': NAMES, 'to': NAMES})!r}"


@dataclass
class SamlServer:
    """The identity provider: who signs in at it, and what it gets wrong."""

    person: dict[str, str]
    signs: bool = True
    signs_with_sha1: bool = False
    audience: str = ""  # empty: who asked
    answers: str | None = None  # None: the request
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="saml-")))
    address: str = ""

    def meet(self, address: str, metadata: bytes) -> None:
        """Learn the own address and the service provider's metadata."""
        self.address = address
        self.key_file, self.certificate_file = self._key_pair()
        self.know(metadata)

    def know(self, metadata: bytes) -> None:
        """Learn a service provider's metadata."""
        (self.folder / "sp.xml").write_bytes(metadata)
        maps = self.folder / "maps"
        maps.mkdir(exist_ok=True)
        (maps / "basic.py").write_text(ATTRIBUTE_MAP)
        self.configuration = IdPConfig().load(
            {
                "entityid": f"{self.address}/metadata",
                "crypto_backend": "XMLSecurity",
                "key_file": str(self.key_file),
                "cert_file": str(self.certificate_file),
                "service": {
                    "idp": {
                        "name": "Example",
                        "endpoints": {"single_sign_on_service": [(f"{self.address}/sso", BINDING_HTTP_REDIRECT)]},
                        "policy": {"default": {"lifetime": {"minutes": 5}, "name_form": BASIC_NAMES}},
                    }
                },
                "attribute_map_dir": str(maps),
                "metadata": {"local": [str(self.folder / "sp.xml")]},
            }
        )
        self.server = Server(config=self.configuration)
        self.server.sec.crypto = XmlsecModule()

    def metadata(self) -> bytes:
        """Return the own metadata."""
        return str(entity_descriptor(self.configuration)).encode()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        """Answer a request: the own metadata, or a form that carries the response to the service provider."""
        if environ["PATH_INFO"] == "/metadata":
            start_response("200 OK", [("Content-Type", "application/samlmetadata+xml")])
            return [self.metadata()]
        asked = parse_qs(environ["QUERY_STRING"])["SAMLRequest"][0]
        request = self.server.parse_authn_request(asked, BINDING_HTTP_REDIRECT).message
        response = self.response(request.issuer.text, request.assertion_consumer_service_url, request.id)
        form = self.server.apply_binding(
            BINDING_HTTP_POST, response, request.assertion_consumer_service_url, "", response=True
        )
        start_response("200 OK", [("Content-Type", "text/html")])
        page = form["data"]
        return [page.encode() if isinstance(page, str) else "".join(page).encode()]

    def response(self, service_provider: str, destination: str, request_id: str) -> str:
        """Return a response about the person, as XML."""
        return str(
            self.server.create_authn_response(
                {name: [value] for name, value in self.person.items()},
                in_response_to=(request_id if self.answers is None else self.answers) or None,
                destination=destination,
                sp_entity_id=self.audience or service_provider,
                name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=self.person["id"]),
                authn=PASSWORD_CONTEXT,
                sign_assertion=self.signs,
                sign_response=False,
                sign_alg=SIG_RSA_SHA1 if self.signs_with_sha1 else SIG_RSA_SHA256,
                digest_alg=DIGEST_SHA256,
            )
        )

    def _key_pair(self) -> tuple[Path, Path]:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.example")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        key_file, certificate_file = self.folder / "key.pem", self.folder / "certificate.pem"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return key_file, certificate_file


class XmlsecModule(CryptoBackend):  # type: ignore[misc]  # pysaml2 carries no types
    """Signs by the xmlsec library inside the process."""

    def sign_statement(self, statement: Any, node_name: str, key_file: str, node_id: str) -> str:
        """Return the statement with its signature template filled in."""
        tree = etree.fromstring(statement if isinstance(statement, bytes) else str(statement).encode())
        (element,) = tree.xpath("//*[@ID=$wanted]", wanted=node_id)
        xmlsec.tree.add_ids(tree, ["ID"])
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_file(key_file, xmlsec.constants.KeyDataFormatPem)
        context.sign(element.find("{http://www.w3.org/2000/09/xmldsig#}Signature"))
        return str(etree.tostring(tree, encoding="unicode"))


def fields_of(page: str) -> tuple[str, dict[str, str]]:
    """Return where a page's form goes and what it carries, as a browser that runs its script would send it."""
    form = etree.HTML(page).find(".//form")
    return html.unescape(form.get("action")), {
        field.get("name"): field.get("value") for field in form.iterfind(".//input[@name]")
    }
