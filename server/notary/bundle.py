"""Evidence bundles: everything that proves one record, as files that ``lognotary check`` reads."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from server.notary.canonical import Kind, canonical_columns, decode_record, entry_of, version_of
from server.notary.checkpoint import Checkpoint, open_checkpoint
from server.notary.counted import counted, entries_of
from server.notary.disclosure import DISCLOSURES, OpenedValue, disclosures_file, find_commitments
from server.notary.errors import MalformedError
from server.notary.origin import LogName
from server.notary.tlog_proof import TlogProof

__all__ = ["build_bundle", "readable_record"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_README = """\
Evidence for one log record
===========================

This bundle proves that the record in record.bin is entry {index} of the log
{origin}
as its owner signed it when it had {entries}: the signature is over a root hash, which changes if a single bit
of any of these entries changes.

It does not prove that the record's content is true, nor its times: they come from the sender and the server. It does
not prove that nobody else had the log's key. Anyone who has the key can show different logs to different people,
unless witnesses have cosigned the checkpoint.

record.bin          the record, as the bytes that were hashed (canonical record, version {version})
record.json         the same in readable form
record.tlog-proof   its position in the log, the inclusion proof and the checkpoint (c2sp.org/tlog-proof)
checkpoint          the checkpoint, signed by the log and possibly by witnesses (c2sp.org/tlog-checkpoint)
verifier-keys.txt   the keys that the log claims; do not trust this file, get the key from the log's owner
{optional}
To check it, without a server or a network:

    lognotary check . --public-key public-key.pem

The command is the file check.py of Lognotary, which also runs on its own (python check.py) if Python has the package
cryptography. Get public-key.pem from the log's owner, not from this bundle.

Or by hand, in bash. The record's hash, and the path from it to the root hash (RFC 9162, section 2.1.3.2):

    hash=$(sha256sum record.bin | cut -c 1-64)
    hash=$(printf 00$hash | xxd -r -p | sha256sum | cut -c 1-64)
    n={index} last=$(( {size} - 1 ))
    for sibling in $(sed '1,/^index /d; /^$/,$d' record.tlog-proof); do
      sibling=$(printf $sibling | base64 -d | xxd -p -c 32)
      if [ $(( n % 2 )) = 1 ] || [ $n = $last ]; then
        hash=$(printf 01$sibling$hash | xxd -r -p | sha256sum | cut -c 1-64)
        while [ $n != 0 ] && [ $(( n % 2 )) = 0 ]; do n=$(( n / 2 )) last=$(( last / 2 )); done
      else
        hash=$(printf 01$hash$sibling | xxd -r -p | sha256sum | cut -c 1-64)
      fi
      n=$(( n / 2 )) last=$(( last / 2 ))
    done
    [ $last = 0 ] && printf $hash | xxd -r -p | base64 | diff - <(sed -n 3p checkpoint) && echo the root is the same

The signature of the checkpoint, checked with the key that was in use then:

    sed '/^$/,$d' checkpoint > signed-text
    grep -m 1 '^— {origin} ' checkpoint | cut -d ' ' -f 3 | base64 -d | tail -c 64 > signature
    openssl pkeyutl -verify -pubin -inkey public-key.pem -rawin -in signed-text -sigfile signature
"""
_KEY_CHANGES = "key-changes         changes of the log's keys, each signed by the key before it and the key after it\n"
_TIMESTAMP = "timestamp.tsr       an RFC 3161 timestamp of the checkpoint's first three lines\n"
_DISCLOSURES = "disclosures.json    values that the record has commitments to, with their salts\n"
_COMMITMENTS = """
The record has commitments in place of {values}: [redacted:RULE:sha256:DIGITS], where the digits are the SHA-256 of a
salt (32 bytes) and the value, one after the other. {opened} of them {are} open, in disclosures.json; those that are
closed are not in the bundle, and nobody can find them out from it. OtlpDetails lists the commitments that the server
has made ("commitments"); any other text of this form was written by the sender of the record.
"""
_CHECK_TIMESTAMP = """
The timestamp, checked with the certificates of the authority that made it:

    head -n 3 checkpoint > signed-text
    openssl ts -verify -data signed-text -in timestamp.tsr -CAfile certificates.pem
"""


def build_bundle(
    *,
    record: bytes,
    origin: str,
    leaf_index: int,
    path: Sequence[bytes],
    checkpoint: str,
    verifier_keys: Sequence[str],
    key_changes: Sequence[str] = (),
    timestamp: bytes | None = None,
    opened: Sequence[OpenedValue] = (),
) -> dict[str, bytes]:
    """Build a bundle. The evidence in it is not verified here.

    Args:
        record: the canonical record.
        origin: the log's origin.
        leaf_index: the record's index in the log.
        path: the inclusion proof, 32 bytes each, from the leaf to the checkpoint's root.
        checkpoint: the signed note, with any cosignatures.
        verifier_keys: the log's verifier keys, the first one first.
        key_changes: the log's KEYS statements as signed notes, in order.
        timestamp: an RFC 3161 response in DER over the checkpoint's first three lines.
        opened: the values to which the record has commitments and that are to be open; all others stay closed.

    Returns:
        Path within the bundle -> content.

    Raises:
        MalformedError: a part is malformed, the checkpoint belongs to another log, or the server has made no
            commitment to an opened value in the record.
    """
    signed, _ = open_checkpoint(checkpoint)
    if signed.origin != origin:
        raise MalformedError(f"the checkpoint belongs to the log {signed.origin}, not to {origin}")
    readable = readable_record(record, origin, leaf_index)
    files = {
        "record.bin": record,
        "record.json": _to_json(readable).encode(),
        "record.tlog-proof": str(TlogProof(leaf_index, tuple(path), checkpoint)).encode(),
        "checkpoint": checkpoint.encode(),
        "verifier-keys.txt": "".join(f"{key}\n" for key in verifier_keys).encode(),
    }
    for number, note in enumerate(key_changes, start=1):
        files[f"key-changes/{number:04}"] = note.encode()
    if timestamp is not None:
        files["timestamp.tsr"] = timestamp
    commitments = find_commitments(readable)
    if opened:
        files[DISCLOSURES] = disclosures_file(commitments, opened)
    values = sum(not each.is_senders for each in commitments)
    files["README.txt"] = _readme(signed, leaf_index, files, version_of(record), (values, len(opened))).encode()
    return files


def readable_record(record: bytes, origin: str, leaf_index: int) -> dict[str, Any]:
    """Return a canonical record's columns as JSON values, preceded by the record's position.

    Times are written by RFC 3339, and as nanoseconds since 1970. Text that is not UTF-8 is an object with its base64.
    A map is an object, or a list of pairs where a key is there twice or is not UTF-8. An array is a list.

    Raises:
        MalformedError: the bytes are not a canonical record of the log, or the version is not supported.
    """
    version = version_of(record)
    stream = LogName.parse(origin).stream
    values = decode_record(stream, record)
    columns = {
        column.name: _readable(column.kind, values[column.name]) for column in canonical_columns(stream, version)
    }
    place = {"Origin": origin, "LeafIndex": leaf_index, "CanonicalVersion": version}
    return {**place, "Entry": entry_of(record).hex(), **columns}


def _readable(kind: Kind, value: Any) -> Any:
    if kind.element is not None:
        return [_readable(kind.element, element) for element in value]
    if kind is Kind.MAP:
        pairs = [(_text(key), _text(content)) for key, content in value]
        keys = Counter(key if isinstance(key, str) else None for key, _ in pairs)
        as_object = None not in keys and all(count == 1 for count in keys.values())
        return dict(pairs) if as_object else [list(pair) for pair in pairs]
    if kind is Kind.TIME:
        return _time(value)
    return _text(value) if isinstance(value, bytes) else value


def _text(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _time(nanos: int) -> dict[str, Any]:
    seconds, rest = divmod(nanos, 10**9)
    clock = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return {"time": f"{clock}.{rest:09}Z", "unix_nanos": nanos}


def _to_json(fields: dict[str, Any]) -> str:
    """Format JSON for people: letters of all languages as they are, control characters escaped."""
    text = json.dumps(fields, ensure_ascii=False, indent=2).replace("\x7f", "\\u007f") + "\n"
    if text.isascii():
        return text
    return "".join(c if c.isascii() or c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _readme(checkpoint: Checkpoint, index: int, files: dict[str, bytes], version: int, values: tuple[int, int]) -> str:
    commitments, opened = values
    stamped = "timestamp.tsr" in files
    listed = {"key-changes/0001": _KEY_CHANGES, "timestamp.tsr": _TIMESTAMP, DISCLOSURES: _DISCLOSURES}
    text = _README.format(
        index=index,
        origin=checkpoint.origin,
        size=checkpoint.size,
        entries=entries_of(checkpoint.size),
        version=version,
        optional="".join(line for name, line in listed.items() if name in files),
    )
    if commitments:
        are = "is" if opened == 1 else "are"
        text += _COMMITMENTS.format(values=counted(commitments, "value"), opened=opened or "None", are=are)
    return text + (_CHECK_TIMESTAMP if stamped else "")
