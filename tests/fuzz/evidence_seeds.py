"""Evidence that a search begins with: bundles of a log, its notes and keys, and forgeries."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.bundles import Cosigner, MemoryLog, audit_record, encode_record, signer_of
from server.explorer.bundle_page import bundle_page
from server.notary.canonical import VERSIONS
from server.notary.commitment import commitment_mark
from server.notary.disclosure import OpenedValue
from server.notary.keys import KeyType
from server.notary.note import SignedNote, parse_note
from server.notary.origin import Stream

__all__ = [
    "HEADS",
    "LOG",
    "OPENED",
    "OPENED_MARK",
    "SIGNERS",
    "TRUSTED",
    "VERIFIER_KEYS",
    "Files",
    "seeds_of_targets",
    "with_one_checkpoint",
]

Files = Mapping[str, bytes]
OPENED = OpenedValue("key.custom", bytes(32), b"alice")
OPENED_MARK = commitment_mark(OPENED.rule, OPENED.digest)
LOG = MemoryLog(
    [
        *(audit_record(number, VERSIONS[number % len(VERSIONS)]) for number in range(8)),
        encode_record(
            Stream.AUDIT,
            {
                "Body": OPENED_MARK + commitment_mark("card", "0" * 64),
                "OtlpDetails": b'{"commitments":["%b"]}' % OPENED.digest.encode(),
            },
        ),
    ]
)
SIGNERS = _FIRST, _SECOND, _THIRD = signer_of(1), signer_of(2, ml_dsa=True), signer_of(3)
_WITNESS = Cosigner("witness.example/w1", 9)
_PQ_WITNESS = Cosigner("witness.example/w2", 8, KeyType.ML_DSA_44)
_CHANGES = (LOG.key_change(4, 2, _FIRST, _SECOND), LOG.key_change(7, 5, _SECOND, _THIRD))
_NOTES = (
    LOG.checkpoint(3, _FIRST),
    _WITNESS.cosign(LOG.checkpoint(6, _SECOND), 1_767_225_900),
    _PQ_WITNESS.cosign(LOG.checkpoint(9, _THIRD), 1_767_225_900),
)
HEADS = {(LOG.origin, size, LOG.root(0, size).hex()) for size in (3, 4, 6, 7, 9)}
VERIFIER_KEYS = tuple(
    str(key)
    for key in (
        *(key for signer in SIGNERS for key in signer.verifier_keys(LOG.origin)),
        *(cosigner.verifier_key for cosigner in (_WITNESS, _PQ_WITNESS)),
    )
)
TRUSTED = VERIFIER_KEYS[0]
_TEMPLATE = b"""<!doctype html><title>Evidence</title>
<script type="application/json" id="bundle">null</script><script>0</script>"""


def with_one_checkpoint(files: Files) -> dict[str, bytes]:
    """Put the checkpoint into the proof as well."""
    head = files.get("record.tlog-proof", b"").partition(b"\n\n")[0]
    return {**files, "record.tlog-proof": head + b"\n\n" + files.get("checkpoint", b"")}


def seeds_of_targets() -> dict[str, list[dict[str, bytes]]]:
    """Return the inputs of each target."""
    bundles = [
        LOG.bundle(1, _NOTES[0]),
        LOG.bundle(5, _NOTES[1], key_changes=_CHANGES[:1], timestamp=b"0"),
        LOG.bundle(7, _NOTES[2], key_changes=_CHANGES),
        LOG.bundle(8, _NOTES[2], key_changes=_CHANGES, opened=[OPENED]),
        *_forged(),
    ]
    pem = _FIRST.public_pem()
    texts = [*(str(note).encode() for note in _NOTES), *(change.encode() for change in _CHANGES)]
    return {
        "bundle": bundles,
        "signed again": bundles[:],
        "record": [{"record.bin": encode_record(Stream.OPERATIONAL, {}, version)} for version in VERSIONS]
        + [{"record.bin": record} for record in LOG.records[: len(VERSIONS)]],
        "zip": [{"file": _zipped(files, method)} for files in bundles for method in (0, zipfile.ZIP_DEFLATED)],
        "page": [{"file": bundle_page(_TEMPLATE, files)} for files in bundles],
        "key file": [{"key": content} for content in (pem, "\n".join(VERIFIER_KEYS).encode(), TRUSTED.encode())],
        "key": [{"key": key.encode()} for key in VERIFIER_KEYS],
        "note": [{"note": text} for text in (*texts, *(files["record.tlog-proof"] for files in bundles))],
    }


def _forged() -> Iterator[dict[str, bytes]]:
    """Yield bundles of records that nobody signed, in which all fits together but one thing."""
    log = MemoryLog([audit_record(number) for number in range(100, 109)])
    stranger = signer_of(6)
    claimed = _FIRST.verifier_key(log.origin).key_id
    note = log.checkpoint(6, stranger)
    lying = SignedNote(note.text, tuple(replace(signature, key_id=claimed) for signature in note.signatures))
    yield log.bundle(2, lying)
    yield log.bundle(2, SignedNote(note.text, (*lying.signatures, *_NOTES[0].signatures)))
    yield log.bundle(2, note, key_changes=[log.key_change(4, 2, stranger, stranger)])
    change = parse_note(log.key_change(4, 2, _FIRST, stranger))
    own = tuple(signature for signature in change.signatures if signature.key_id != claimed)
    yield log.bundle(2, note, key_changes=[str(SignedNote(change.text, own))])
    yield log.bundle(2, note, key_changes=[str(SignedNote(change.text, (*own, *lying.signatures)))])
    yield log.bundle(2, log.checkpoint(3, _THIRD), key_changes=_CHANGES)  # by a key before its time
    yield replace(LOG, records=log.records).bundle(2, _NOTES[0])  # with a path that leads nowhere
    true = LOG.bundle(2, _NOTES[0])
    yield {**true, "record.json": log.bundle(2, note)["record.json"]}


def _zipped(files: Files, method: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return archive.getvalue()
