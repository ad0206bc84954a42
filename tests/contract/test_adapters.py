"""What every adapter owes, whoever the vendor is: the same words for the same trouble, through the real SDK."""

from __future__ import annotations

import gzip
import logging
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel

from lib.http.policy import Policy, in_force
from providers.adapters import adapter_for, close_clients
from providers.adapters.base import ProviderAdapter, ProviderError, Question, Turn
from tests.contract.speakers import SPEAKERS
from tests.contract.speakers.base import SECRET, Speaker
from tests.vendors.server import Scripted, cut, raw, trickled


class Judgement(BaseModel):
    """An answer with a word and a list."""

    verdict: str
    reasons: list[str]


QUESTION = Question(system="Judge.", user="Is it real?", answer=Judgement, max_output_tokens=500)
GOOD = '{"verdict": "real", "reasons": ["it is reached"]}'
LOOPBACK = Policy.of(allowed=["127.0.0.0/8", "::1"], ports=["*"])


@pytest.fixture(params=list(SPEAKERS))
def vendor(request: pytest.FixtureRequest) -> Iterator[Speaker]:
    speaker = SPEAKERS[request.param]
    with speaker.make_server().running() as server:
        yield speaker(server)
    close_clients()
    assert not server.violations


@pytest.fixture
def adapter(vendor: Speaker) -> ProviderAdapter:
    return adapter_for(vendor.adapter, vendor.credentials())


def failure_of(adapter: ProviderAdapter, question: Question = QUESTION) -> ProviderError:
    """Return the error of a question, in whose words no secret is."""
    with pytest.raises(ProviderError) as raised:
        adapter.ask(question)
    assert SECRET not in str(raised.value)
    assert len(str(raised.value)) <= 500
    return raised.value


def failure_after(vendor: Speaker, adapter: ProviderAdapter, reply: Scripted) -> ProviderError:
    """Return the error of a question that gets this reply, and is asked once only: the SDK's own tries are off."""
    vendor.server.answer(reply)
    failure = failure_of(adapter)
    assert vendor.server.asked == 1
    return failure


# --- Good answers -----------------------------------------------------------------------------------------------------


def test_a_good_answer_is_read(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.answered(GOOD))

    reply = adapter.ask(QUESTION)

    asked = vendor.asked()
    assert Judgement.model_validate_json(reply.text).verdict == "real"
    assert (reply.input_tokens, reply.output_tokens, reply.is_cut_off) == (900, 120, False)
    assert reply.model
    assert (asked.system, asked.turns) == ("Judge.", (("us", "Is it real?"),))
    assert set(asked.schema["properties"]) == {"verdict", "reasons"}


def test_a_repair_is_a_turn_of_the_same_conversation(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.answered(GOOD))
    earlier = (Turn(answer='{"verdict": 3}', objection="A word, please."),)

    adapter.ask(Question(system="Judge.", user="Is it real?", answer=Judgement, earlier=earlier))

    assert vendor.asked().turns == (
        ("us", "Is it real?"),
        ("model", '{"verdict": 3}'),
        ("us", "A word, please."),
    )


def test_a_repair_of_an_empty_answer_says_something(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.answered(GOOD))
    earlier = (Turn(answer="", objection="Say something."),)

    adapter.ask(Question(system="Judge.", user="Is it real?", answer=Judgement, earlier=earlier))

    assert len(vendor.asked().turns) == 3
    assert vendor.takes_empty_turns or all(said for _, said in vendor.asked().turns)


def test_an_answer_that_the_limit_ended_is_marked(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.answered('{"verdict": "re', is_cut_off=True))

    assert adapter.ask(QUESTION).is_cut_off


def test_an_empty_answer_fails_the_check_of_a_connection(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.empty())

    with pytest.raises(ProviderError, match="empty answer") as raised:
        adapter.check()

    assert raised.value.permanent


def test_a_check_asks_a_tiny_question(vendor: Speaker, adapter: ProviderAdapter) -> None:
    vendor.server.answer(vendor.answered('{"ready": true}'))

    adapter.check()

    assert len(vendor.server.exchanges[-1].content) < 2000


def test_many_threads_share_one_client(vendor: Speaker) -> None:
    everybody = threading.Barrier(16, timeout=30)
    vendor.server.before_answering = everybody.wait
    vendor.server.answer_always(vendor.answered(GOOD))
    credentials = vendor.credentials(timeout_seconds=30)

    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: adapter_for(vendor.adapter, credentials).ask(QUESTION), range(16)))

    assert [reply.text for reply in replies] == [replies[0].text] * 16


# --- What somebody must change ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["wrong_key", "revoked_key"])
def test_a_key_that_does_not_work_is_permanent(vendor: Speaker, adapter: ProviderAdapter, which: str) -> None:
    failure = failure_after(vendor, adapter, getattr(vendor, which)())

    assert failure.permanent
    assert failure.about == "key"


def test_a_model_that_is_not_known_is_permanent(vendor: Speaker, adapter: ProviderAdapter) -> None:
    failure = failure_after(vendor, adapter, vendor.unknown_model())

    assert failure.permanent
    assert failure.about in {"model", "base_url"}


def test_a_quota_that_is_used_up_is_told_from_a_failure(vendor: Speaker, adapter: ProviderAdapter) -> None:
    failure = failure_after(vendor, adapter, vendor.quota_used_up())

    assert failure.permanent == vendor.quota_is_permanent
    assert failure.is_rate_limit != vendor.quota_is_permanent


def test_a_question_that_is_too_long_is_not_asked_again(vendor: Speaker, adapter: ProviderAdapter) -> None:
    failure = failure_after(vendor, adapter, vendor.too_long())

    assert failure.permanent
    assert failure.refused
    assert "too long" in str(failure)


def test_a_refusal_is_about_this_question_only(vendor: Speaker, adapter: ProviderAdapter) -> None:
    failure = failure_after(vendor, adapter, vendor.refused())

    assert failure.permanent
    assert failure.refused


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_redirect_is_not_followed(vendor: Speaker, adapter: ProviderAdapter, status: int) -> None:
    elsewhere = Scripted(status=status, headers={"Location": f"{vendor.server.origin}/elsewhere"})

    failure = failure_after(vendor, adapter, elsewhere)

    assert failure.permanent
    assert "another address" in str(failure)


# --- What may pass ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [17, None])
def test_a_rate_limit_is_waited_for(vendor: Speaker, adapter: ProviderAdapter, seconds: int | None) -> None:
    failure = failure_after(vendor, adapter, vendor.rate_limited(seconds))

    assert failure.is_rate_limit
    assert not failure.permanent
    assert failure.retry_after_seconds == (seconds if vendor.can_say_when else None)


@pytest.mark.parametrize("status", [500, 503])
def test_the_vendors_own_failure_passes(vendor: Speaker, adapter: ProviderAdapter, status: int) -> None:
    failure = failure_after(vendor, adapter, vendor.failed(status))

    assert not failure.permanent
    assert not failure.is_rate_limit


NONSENSE = {
    "a page": raw(b"<html>hello</html>", content_type="text/html"),
    "a gateway's page": raw(b"<html>Bad gateway</html>", status=502, content_type="text/html"),
    "half an object": raw(b'{"output": {"mess'),
    "a list": raw(b'["not", "an", "object"]'),
    "other shapes": raw(b'{"choices": 3, "candidates": 3, "output": 3, "usage": "x"}'),
    "no text at all": raw(b"\xff\xfe\x00"),
    "nothing": raw(b""),
    "an error that is none": raw(b'{"error": 3, "message": ["x"]}', status=500),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_may_pass(vendor: Speaker, adapter: ProviderAdapter, what: str) -> None:
    assert not failure_after(vendor, adapter, NONSENSE[what]).permanent


def test_a_connection_that_is_reset_may_pass(vendor: Speaker, adapter: ProviderAdapter) -> None:
    failure = failure_after(vendor, adapter, cut(vendor.answered(GOOD)))

    assert not failure.permanent
    assert "cannot be reached" in str(failure)


def test_the_deadline_holds_though_bytes_keep_coming(vendor: Speaker) -> None:
    adapter = adapter_for(vendor.adapter, vendor.credentials(timeout_seconds=0.6))
    vendor.server.answer(trickled(vendor.answered(GOOD), seconds_between_bytes=0.1))

    failure = failure_of(adapter)

    assert not failure.permanent
    assert "in time" in str(failure)


def test_an_answer_without_end_is_given_up(
    vendor: Speaker, adapter: ProviderAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.adapters.deadline.MOST_BYTES", 50_000)

    failure = failure_after(vendor, adapter, vendor.answered("x" * 100_000))

    assert "longer than any answer" in str(failure)


# --- Where it goes ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose certificate nobody trusts; its address."""
    certificate = self_signed(tmp_path_factory.mktemp("tls") / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def self_signed(path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_server_that_nobody_vouches_for_is_told_nothing(vendor: Speaker, stranger: str) -> None:
    failure = failure_of(adapter_for(vendor.adapter, vendor.credentials(origin=stranger)))

    assert not failure.permanent
    assert "certificate" in str(failure).lower()
    assert vendor.server.asked == 0


def test_a_typed_address_may_be_private_where_the_operator_allows_it(vendor: Speaker) -> None:
    vendor.server.answer(vendor.answered(GOOD))

    with in_force(LOOPBACK):
        adapter_for(vendor.adapter, vendor.credentials(is_guarded=True)).ask(QUESTION)

    assert vendor.server.asked == 1


def test_a_typed_address_is_refused_where_it_leads_inside(vendor: Speaker) -> None:
    origin = vendor.server.origin.replace("http://127.0.0.1", "https://localhost")

    with in_force(Policy(ports=None)):
        failure = failure_of(adapter_for(vendor.adapter, vendor.credentials(origin=origin, is_guarded=True)))

    assert failure.permanent
    assert "OUTBOUND_ALLOWED_NETWORKS" in str(failure)
    assert vendor.server.asked == 0


def test_a_typed_server_cannot_unfold_its_answer(vendor: Speaker) -> None:
    bomb = Scripted(body=gzip.compress(b" " * 10_000_000), headers={"Content-Encoding": "gzip"})

    with in_force(LOOPBACK):
        failure = failure_after(vendor, adapter_for(vendor.adapter, vendor.credentials(is_guarded=True)), bomb)

    assert "compressed" in str(failure)


@pytest.mark.parametrize("address", ["ftp://example.org", "http://[::1", "no address"])
def test_an_address_that_is_none_is_permanent(vendor: Speaker, address: str) -> None:
    with pytest.raises(ProviderError) as raised:
        adapter_for(vendor.adapter, vendor.credentials(base_url=address)).ask(QUESTION)

    assert raised.value.permanent


def test_a_key_that_cannot_be_sent_is_permanent(vendor: Speaker) -> None:
    failure = failure_of(adapter_for(vendor.adapter, vendor.credentials(key="ключ")))

    assert failure.permanent
    assert failure.about == "key"


def test_neither_key_nor_question_is_in_any_log(
    vendor: Speaker, adapter: ProviderAdapter, caplog: pytest.LogCaptureFixture
) -> None:
    vendor.server.answer(vendor.answered(GOOD), vendor.wrong_key())

    with caplog.at_level(logging.DEBUG):  # the root's level, as an operator sets it
        adapter.ask(QUESTION)
        failure_of(adapter)

    assert SECRET not in caplog.text + repr(adapter.credentials)
    assert "Is it real?" not in caplog.text
