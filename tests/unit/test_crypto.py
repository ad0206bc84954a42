"""Secrets that are read back, and digests of those that are not."""

from __future__ import annotations

import pytest

from lib.crypto import CannotDecrypt, Sealer, digest_of_token


def test_a_sealed_text_is_opened_again() -> None:
    sealer = Sealer(["key"])

    assert sealer.open(sealer.seal("sk-ñ-秘密")) == "sk-ñ-秘密"


def test_the_same_text_is_sealed_differently_each_time() -> None:
    sealer = Sealer(["key"])

    assert sealer.seal("text") != sealer.seal("text")


def test_a_former_key_still_opens() -> None:
    assert Sealer(["new", "old"]).open(Sealer(["old"]).seal("text")) == "text"


def test_a_secret_is_sealed_anew_with_the_first_key() -> None:
    resealed = Sealer(["new", "old"]).reseal(Sealer(["old"]).seal("text"))

    assert Sealer(["new"]).open(resealed) == "text"


@pytest.mark.parametrize(
    "sealed",
    ["", "x", "gAAAAA", "ü", Sealer(["another"]).seal("text")],
    ids=["nothing", "a letter", "a beginning", "no ASCII", "another key"],
)
def test_what_another_key_sealed_is_told_in_words(sealed: str) -> None:
    sealer = Sealer(["key"])

    with pytest.raises(CannotDecrypt, match="FIELD_ENCRYPTION_KEYS"):
        sealer.open(sealed)
    with pytest.raises(CannotDecrypt, match="FIELD_ENCRYPTION_KEYS"):
        sealer.reseal(sealed)


def test_a_changed_seal_does_not_open() -> None:
    sealer = Sealer(["key"])
    sealed = sealer.seal("text")

    with pytest.raises(CannotDecrypt):
        sealer.open(sealed[:-4] + "AAA=")


def test_a_digest_says_nothing_of_its_token_but_whether_it_is_the_same() -> None:
    assert digest_of_token("aap_one") == digest_of_token("aap_one") != digest_of_token("aap_two")
