"""The server's codecs by name, and the log writer's processing of their rows."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from server.codec.audit.built_in import built_in_rules
from server.codec.choose import build_codec
from server.codec.redaction_rules import NO_REDACTION, Redaction
from server.codec.rows import Codec, Rows
from server.codec.signals import Signal
from server.notary.batch import LogState, notarize
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from storage.commit import encode_records_block

__all__ = [
    "CODECS",
    "CodecMissingError",
    "ReadyBlock",
    "commit_block",
    "fastest_codec",
    "make_codec",
    "ready_blocks",
]

CODECS = ("reference", "native")
_MOST_REQUESTS = 200  # for ready-made blocks; they are all held in memory


class CodecMissingError(RuntimeError):
    """A codec is not installed here, most often because there was no compiler."""


@dataclass(frozen=True, slots=True)
class ReadyBlock:
    """A Native block as sent by the server.

    Attributes:
        stream: stream of the records.
        rows: number of rows.
        data: the encoded block.
    """

    stream: Stream
    rows: int
    data: bytes


def make_codec(name: str, redaction: Redaction = NO_REDACTION) -> Codec:
    """Create a codec with the built-in rules.

    Raises:
        CodecMissingError: the codec is not installed.
    """
    try:
        return build_codec(name, built_in_rules(), redaction=redaction)
    except ImportError as error:
        raise CodecMissingError(f"the {name} codec is not installed ({error})") from error


def fastest_codec() -> Codec:
    """Return the native codec if it is installed, else the reference codec; both give the same rows."""
    try:
        return make_codec("native")
    except CodecMissingError:
        return make_codec("reference")


def commit_block(parts: Sequence[Rows], state: LogState, signer: Signer) -> ReadyBlock:
    """Notarize and encode a batch, as ``LogWriter.commit`` does before it stores anything."""
    notarized = notarize(
        state,
        b"".join(part.leaf_hashes for part in parts),
        signer,
        min_timestamp=min(part.min_timestamp for part in parts),
        max_timestamp=max(part.max_timestamp for part in parts),
        ingested_at=max(part.ingested_at for part in parts),
    )
    block = encode_records_block(parts[0].stream, [notarized.batch], [part.columns for part in parts])
    return ReadyBlock(parts[0].stream, notarized.batch.record_count, block.data)


def ready_blocks(
    requests: Sequence[bytes],
    batch_rows: int,
    *,
    most_requests: int = _MOST_REQUESTS,
    signal: Signal = Signal.LOGS,
) -> list[ReadyBlock]:
    """Create blocks of full batches, in the proportion of the streams in the requests.

    Requests are taken in rotation until each stream has a full batch, so that no block is cheaper to insert in the
    server than here.
    """
    codec, signer, now = fastest_codec(), Signer.generate(), time.time_ns()
    encode = codec.encode if signal is Signal.LOGS else codec.encode_spans
    encoded = [encode(request, now) for request in requests]
    streams = {rows.stream for parts in encoded for rows in parts}
    gathered: dict[Stream, list[Rows]] = {stream: [] for stream in streams}
    blocks: list[ReadyBlock] = []
    for number, parts in enumerate(itertools.cycle(encoded), 1):
        for rows in parts:
            waiting = gathered[rows.stream]
            if waiting and sum(part.count for part in waiting) + rows.count > batch_rows:
                blocks.append(_block(waiting, signer))
                waiting.clear()
            waiting.append(rows)
        if number == most_requests or {block.stream for block in blocks} == streams:
            break
    return blocks + [_block(waiting, signer) for waiting in gathered.values() if waiting]


def _block(parts: Sequence[Rows], signer: Signer) -> ReadyBlock:
    return commit_block(parts, LogState(LogName("benchmark", parts[0].stream, "ready")), signer)
