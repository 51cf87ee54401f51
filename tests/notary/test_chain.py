"""Checking batches one by one."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from hashlib import sha256
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from server.notary.batch import Batch, LogState, compute_batch_id, notarize
from server.notary.chain import Gap, check_batch, frontier_root
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.errors import KeyMaterialError, VerificationError
from server.notary.findings import FindingKind
from server.notary.note import UnknownKeyError, parse_note
from server.notary.origin import LogName, Stream
from server.notary.signers import Ed25519Key, Signer
from server.notary.trust import KeySpan, TrustedKeys, check_checkpoint, fingerprint, parse_public_keys

NAME = LogName("example.org", Stream.AUDIT, "node-1")
SIGNER = Signer.generate()
KEYS = TrustedKeys(unnamed=(SIGNER.verifier_key("any").public_key,))


def grow(counts: list[int], signer: Signer = SIGNER, name: LogName = NAME) -> list[Batch]:
    state, batches = LogState(name), []
    for count in counts:
        hashes = b"".join(sha256(b"%d" % (state.range.size + n)).digest() for n in range(count))
        step = notarize(state, hashes, signer, min_timestamp=1, max_timestamp=2, ingested_at=3)
        state = step.state
        batches.append(step.batch)
    return batches


FIRST, SECOND, THIRD = grow([3, 4, 5])


def redigested(batch: Batch, **changes: object) -> Batch:
    """A batch altered by someone who recomputes the ID."""
    altered = dataclasses.replace(batch, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(altered, batch_id=compute_batch_id(altered))


def resigned(batch: Batch, **changes: object) -> Batch:
    """A batch altered by someone who even has the key."""
    altered = dataclasses.replace(batch, **changes)  # type: ignore[arg-type]
    checkpoint = Checkpoint(altered.origin, altered.tree_size, altered.root_hash)
    return redigested(altered, checkpoint=str(sign_checkpoint(checkpoint, SIGNER)))


@pytest.mark.parametrize("batch", [FIRST, SECOND, THIRD])
def test_a_batch_as_it_was_notarized_is_good(batch: Batch) -> None:
    assert check_batch(batch, KEYS) is None
    assert check_batch(batch, TrustedKeys(named=(SIGNER.verifier_key(NAME.origin),))) is None


_ALTERATIONS: dict[str, Callable[[], Batch]] = {
    "batch_id": lambda: dataclasses.replace(SECOND, batch_id=UUID(int=1)),
    "log_id": lambda: redigested(SECOND, log_id="0" * 16),
    "origin": lambda: redigested(SECOND, origin="example.org/audit/node-2"),
    "origin that is none": lambda: redigested(SECOND, origin="nonsense"),
    "first_leaf": lambda: redigested(SECOND, first_leaf=2),
    "record_count": lambda: redigested(SECOND, record_count=3),
    "tree_size": lambda: redigested(SECOND, tree_size=8, record_count=5),
    "root_hash": lambda: redigested(SECOND, root_hash=bytes(32)),
    "frontier": lambda: dataclasses.replace(SECOND, frontier=bytes(64)),
    "sequence": lambda: dataclasses.replace(SECOND, sequence=3),
    "min_timestamp": lambda: dataclasses.replace(SECOND, min_timestamp=0),
    "max_timestamp": lambda: dataclasses.replace(SECOND, max_timestamp=0),
    "ingested_at": lambda: dataclasses.replace(SECOND, ingested_at=0),
    "frontier of another size": lambda: redigested(SECOND, frontier=bytes(32)),
    "canonical_version": lambda: redigested(SECOND, canonical_version=3),
    "no records": lambda: resigned(SECOND, first_leaf=7, record_count=0),
    "checkpoint of another batch": lambda: redigested(SECOND, checkpoint=FIRST.checkpoint),
    "checkpoint text": lambda: redigested(SECOND, checkpoint=SECOND.checkpoint.replace("\n7\n", "\n8\n")),
    "checkpoint that is none": lambda: redigested(SECOND, checkpoint="nonsense"),
    "checkpoint whose origin is no name": lambda: redigested(
        SECOND, checkpoint=SECOND.checkpoint.replace(f"{NAME.origin}\n", f"{NAME.origin} x+y\n", 1)
    ),
}


@pytest.mark.parametrize("alteration", _ALTERATIONS)
def test_an_altered_row_is_found_as_altered(alteration: str) -> None:
    finding = check_batch(_ALTERATIONS[alteration](), KEYS)
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_ALTERED
    assert finding.log_id


def test_a_batch_signed_by_a_stranger_is_found_as_such() -> None:
    foreign = grow([3], signer=Signer.generate())[0]
    finding = check_batch(foreign, KEYS)
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_FOREIGN_SIGNED
    assert (finding.batch_id, finding.sequence, finding.record_count) == (foreign.batch_id, 1, 3)


def test_a_named_key_is_good_for_its_own_log_only() -> None:
    other = LogName("example.org", Stream.AUDIT, "node-2")
    finding = check_batch(FIRST, TrustedKeys(named=(SIGNER.verifier_key(other.origin),)))
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_FOREIGN_SIGNED


@pytest.mark.parametrize(
    ("since", "kind"), [(3, FindingKind.SIGNED_BY_COMPROMISED_KEY), (4, None)], ids=["by then", "only later"]
)
def test_a_batch_that_a_compromised_key_signed_is_found_from_when_others_may_have_had_it(
    since: int, kind: FindingKind | None
) -> None:
    finding = check_batch(FIRST, dataclasses.replace(KEYS, compromised={fingerprint(KEYS.unnamed[0]): since}))
    assert (finding and finding.kind) == kind


def test_a_batch_that_a_key_of_the_log_signed_out_of_its_turn_is_foreign_signed() -> None:
    later = Signer.generate().verifier_key(NAME.origin)
    spans = {NAME.origin: [KeySpan(SIGNER.verifier_keys(NAME.origin), 0, 3, 1, 2), KeySpan((later,), 3, None, 2, None)]}
    keys = dataclasses.replace(KEYS, spans=spans)
    assert check_batch(FIRST, keys) is None
    finding = check_batch(SECOND, keys)
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_FOREIGN_SIGNED


def test_a_checkpoint_with_more_lines_than_a_batch_has_is_altered() -> None:
    text = Checkpoint(NAME.origin, SECOND.tree_size, SECOND.root_hash).text()
    finding = check_batch(redigested(SECOND, checkpoint=str(SIGNER.sign(f"{text}more\n", NAME.origin))), KEYS)
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_ALTERED
    assert "more lines" in finding.message


def test_a_checkpoint_with_a_signature_more_is_altered() -> None:
    note = parse_note(SECOND.checkpoint)
    added = dataclasses.replace(
        note, signatures=(*note.signatures, *Signer.generate().sign(note.text, NAME.origin).signatures)
    )
    finding = check_batch(redigested(SECOND, checkpoint=str(added)), KEYS)
    assert finding is not None
    assert finding.kind is FindingKind.BATCH_ALTERED
    assert "not made by the log's keys" in finding.message


def test_a_gap_is_what_lies_between_two_batches() -> None:
    gap = Gap(FIRST, THIRD)
    assert (gap.first_leaf, gap.end_leaf, gap.first_sequence, gap.count) == (3, 7, 2, 1)
    gap = Gap(None, SECOND)
    assert (gap.first_leaf, gap.end_leaf, gap.first_sequence, gap.count) == (0, 3, 1, 1)


def test_a_frontier_leads_to_the_root_of_the_batch_before_and_an_unreadable_one_to_none() -> None:
    assert frontier_root(SECOND) == FIRST.root_hash
    assert frontier_root(dataclasses.replace(SECOND, frontier=bytes(31))) == b""


def test_a_kept_checkpoint_is_read_and_its_signature_checked() -> None:
    assert check_checkpoint(SECOND.checkpoint, KEYS) == Checkpoint(NAME.origin, 7, SECOND.root_hash)
    with pytest.raises(UnknownKeyError):
        check_checkpoint(grow([3], signer=Signer.generate())[0].checkpoint, KEYS)
    root = base64.b64encode(SECOND.root_hash).decode()
    for text in ("nonsense", SECOND.checkpoint.replace("\n7\n", "\n8\n"), SECOND.checkpoint.replace(root, "A" * 44)):
        with pytest.raises(VerificationError):
            check_checkpoint(text, KEYS)


def test_public_keys_are_read_as_pem_and_as_verifier_keys() -> None:
    key = SIGNER.verifier_key(NAME.origin)
    keys = parse_public_keys([SIGNER.public_pem().decode(), f"\n{key}\n\n{key}\n"])
    assert keys == TrustedKeys((key, key), (key.public_key,))
    assert keys.for_origin(NAME.origin) == [key, key, key]
    assert keys.for_origin("other") == [SIGNER.verifier_key("other")]


def test_what_is_no_public_key_is_refused() -> None:
    private = SIGNER.ed25519
    assert isinstance(private, Ed25519Key)
    p256 = generate_private_key(SECP256R1()).public_key()
    pem = p256.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for texts in (
        [],
        [""],
        ["nonsense"],
        ["-----BEGIN PUBLIC KEY-----"],
        [pem.decode()],
        [private.to_pem().decode()],
    ):
        with pytest.raises(KeyMaterialError):
            parse_public_keys(texts)
