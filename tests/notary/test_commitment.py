"""Commitments to values, which anyone can compute who has the salt."""

from __future__ import annotations

from server.notary.commitment import commitment_mark, commitment_of, random_salt


def test_a_commitment_is_the_sha_256_of_salt_and_value() -> None:
    # printf 'salthunter2' | sha256sum
    assert commitment_of(b"salt", b"hunter2") == "6efb3088c88aa6ff4ec91880bd1a4953fb0713dbc0229960fde3a8f053b76843"


def test_a_mark_names_the_rule_and_the_commitment() -> None:
    commitment = commitment_of(b"salt", b"hunter2")
    assert commitment_mark("key.password", commitment) == b"[redacted:key.password:sha256:%b]" % commitment.encode()


def test_salts_have_32_bytes_and_none_comes_twice() -> None:
    salts = {random_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {32}
