from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.acknowledgement import (
    KEY_NAME,
    Acknowledged,
    Acknowledgement,
    Coverage,
    acknowledgement_keys,
    open_acknowledgement,
    sign_acknowledgement,
)
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import MalformedError, VerificationError
from server.notary.findings import Finding, FindingKind, finding_id, row_hash, stored_hash
from server.notary.keys import VerifierKey
from server.notary.note import UnknownKeyError
from server.notary.signers import Ed25519Key, MlDsa44Key, Signer
from server.notary.trust import KeySpan, TrustedKeys, fingerprint

KEY = Ed25519Key.generate()
FINDING = Finding(FindingKind.RECORD_CHANGED, "record 7: changed", "0123456789abcdef", "shop/audit/a", leaf_index=7)
KNOWN = Acknowledgement(finding_id(FINDING), 1, 1_790_000_000, "RECORD_CHANGED", FINDING.message, "ticket 12")


def known(finding: Finding, count: int = 1) -> Acknowledged:
    return Acknowledged(replace(KNOWN, finding=finding_id(finding), count=count), "")


def test_a_signed_acknowledgement_is_read_back_with_its_signer() -> None:
    note = str(sign_acknowledgement(KNOWN, KEY))
    assert open_acknowledgement(note, [Ed25519Key.generate().public_key, KEY.public_key]) == Acknowledged(
        KNOWN, fingerprint(KEY.public_key)
    )
    with pytest.raises(VerificationError):
        open_acknowledgement(note, [])
    with pytest.raises(VerificationError):
        open_acknowledgement(note.replace("ticket 12", "ticket 13"), [KEY.public_key])


def test_as_many_findings_are_covered_as_the_highest_count_says() -> None:
    coverage = Coverage([known(FINDING), known(FINDING, 2), known(FINDING)])
    other = replace(FINDING, leaf_index=8)
    taken = [coverage.take(finding) for finding in (FINDING, other, FINDING, FINDING)]
    assert taken == [known(FINDING, 2), None, known(FINDING, 2), None]


def test_an_acknowledgement_is_no_checkpoint_and_a_checkpoint_is_no_acknowledgement() -> None:
    with pytest.raises(MalformedError):
        open_checkpoint(str(sign_acknowledgement(KNOWN, KEY)))
    checkpoint = Signer(KEY).sign(f"shop/audit/a\n1\n{43 * 'A'}=\n", KEY_NAME)
    with pytest.raises(MalformedError, match="not an acknowledgement"):
        open_acknowledgement(str(checkpoint), [KEY.public_key])
    odd = Signer(KEY).sign(KNOWN.text().replace("RECORD_CHANGED", "RECORD_LIKED"), KEY_NAME)
    with pytest.raises(MalformedError, match="not an acknowledgement"):
        open_acknowledgement(str(odd), [KEY.public_key])


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "a\x1b[2Jb", "x" * 1001])
def test_a_reason_is_one_line_of_printable_characters(reason: str) -> None:
    with pytest.raises(MalformedError, match="reason"):
        replace(KNOWN, reason=reason)


def test_keys_that_others_may_have_acknowledge_nothing() -> None:
    stolen, named, later = (Ed25519Key.generate().public_key for _ in range(3))
    ml_dsa = MlDsa44Key.generate()
    keys = TrustedKeys(
        named=(VerifierKey("shop/audit/a", named), VerifierKey("shop/audit/a", ml_dsa.public_key, ml_dsa.key_type)),
        unnamed=(KEY.public_key, stolen),
        compromised={fingerprint(stolen): 1},
        spans={"shop/audit/a": [KeySpan((VerifierKey("shop/audit/a", later),), 0, None, 1, None)]},
    )
    assert acknowledgement_keys(keys) == [KEY.public_key, named, later]


def test_the_identity_of_a_finding_is_another_if_anything_is() -> None:
    other: dict[str, object] = {
        "kind": FindingKind.RECORD_MISSING,
        "message": "record 8: changed",
        "log_id": "f" * 16,
        "origin": "shop/audit/b",
        "batch_id": UUID(int=1),
        "sequence": 2,
        "leaf_index": None,
        "record": b"",
        "record_count": 3,
        "row_hash": row_hash([1]),
    }
    assert other.keys() | {"signers"} == {field.name for field in fields(Finding)}
    ids = {finding_id(replace(FINDING, **{name: value})) for name, value in other.items()}  # type: ignore[arg-type]
    assert len(ids | {finding_id(FINDING)}) == len(other) + 1
    assert len(finding_id(FINDING)) == 64


def test_the_hash_of_a_row_is_that_of_its_columns_as_json() -> None:
    assert row_hash(["a", 1, b"\x00\xff", UUID(int=1)]) == (
        sha256(b'["a",1,"00ff","00000000-0000-0000-0000-000000000001"]').hexdigest()
    )
    assert stored_hash(FINDING) == ""
    assert stored_hash(replace(FINDING, row_hash="ab")) == "ab"
    assert stored_hash(replace(FINDING, record=b"")) == sha256(b"").hexdigest()


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4))))
def test_each_finding_is_covered_as_often_as_it_is_acknowledged(found: list[int], said: list[tuple[int, int]]) -> None:
    findings = [replace(FINDING, leaf_index=number) for number in found]
    coverage = Coverage([known(replace(FINDING, leaf_index=number), count) for number, count in said])
    left = [finding for finding in findings if coverage.take(finding) is None]
    most = {number: max(count for other, count in said if other == number) for number, _ in said}
    expected = {number: max(0, times - most.get(number, 0)) for number, times in Counter(found).items()}
    assert Counter(finding.leaf_index for finding in left) == Counter({n: t for n, t in expected.items() if t})


def test_the_error_of_an_unknown_signer_names_it() -> None:
    with pytest.raises(UnknownKeyError) as caught:
        sign_acknowledgement(KNOWN, KEY).verify([])
    assert caught.value.signers == (f"{KEY_NAME}+{VerifierKey(KEY_NAME, KEY.public_key).key_id.hex()}",)
