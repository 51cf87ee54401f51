"""Mutations of evidence that leave most of it as it was."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from tests.fuzz.evidence_seeds import LOG, VERIFIER_KEYS, Files, with_one_checkpoint
from tests.fuzz.evidence_targets import TARGETS

__all__ = ["mutant"]

_TOKENS = (
    *(
        b"\n",
        b"\n\n",
        b" ",
        b"+",
        b"=",
        b"==",
        "—".encode(),
        "— ".encode(),
        b"\r",
        b"\0",
        b"\x1b[2J",
        b"\xff",
        b"\xc2\x85",
    ),
    *(mark.to_bytes(8, "little", signed=True) for mark in (0, -1, -2, -3, -(2**63))),
    *(b"0", b"1", b"-1", b"00", b"9" * 30, b"9" * 5000, b"9223372036854775807", b"18446744073709551616", b"1e9"),
    *(b" after ", b" keys ", b"lognotary/v1 ", b"index ", b"extra ", b"c2sp.org/tlog-proof@v1\n", LOG.origin.encode()),
    *(b"{", b"}", b"[" * 3000, b'"', b'"ActorId": "bob",', b"null", b"NaN", b"true", b"1.0", b"\\u0000", b"\\ud800"),
    *(b"\x80" * 9 + b"\x01", b"\xff" * 9 + b"\x7f", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\7", b"\xff\xff\xff\xff"),
    *(b"<", b"</script>", b'<script type="application/json" id="bundle">', b"\\u003c", b"AAAA", b'{"record.bin": "'),
    *(
        b"<!--",
        b"-->",
        b"<template>",
        b"</title>",
        b"<svg>",
        b"<p id=bundle>",
        b'<script id="&#98;undle">',
        b'" ',
        b">",
    ),
    *(b"-----BEGIN PUBLIC KEY-----\n", b"-----END PUBLIC KEY-----", *(key.encode() for key in VERIFIER_KEYS[:3])),
)


def mutant(seeds: Mapping[str, Sequence[Files]], chance: random.Random) -> tuple[str, Files]:
    """Return a target, and one of its seeds with some changes."""
    target = chance.choice((*TARGETS, "bundle", "signed again"))
    files = dict(chance.choice(seeds[target]))
    donors = [content for some in seeds[target] for content in some.values()]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name = chance.choice(sorted(files))
        if len(files) > 1 and chance.random() < 0.05:
            other = chance.choice((*sorted(files), "key-changes/0003", "key-changes/9999", "../record.bin"))
            files[other] = files.pop(name)
            continue
        for _ in range(chance.choice((1, 1, 2, 3, 6))):
            files[name] = _changed(files[name], donors, chance)
        if name == "checkpoint" and chance.random() < 0.7:
            files = with_one_checkpoint(files)
    return target, files


def _changed(content: bytes, donors: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(content))
    end = min(len(content), at + chance.choice((1, 1, 2, 4, 30, 300)))
    match chance.randrange(10):
        case 0 if at < len(content):
            return content[:at] + bytes((content[at] ^ 1 << chance.randrange(8),)) + content[at + 1 :]
        case 1:
            return content[:at] + content[end:]
        case 2:
            return content[:at] + chance.randbytes(chance.randint(1, 4)) + content[at:]
        case 3 | 4:
            return content[:at] + chance.choice(_TOKENS) + (content[at:] if chance.random() < 0.5 else content[end:])
        case 5:
            donor = chance.choice(donors)
            start = chance.randint(0, len(donor))
            return content[:at] + donor[start : start + chance.choice((4, 44, 400, 4000))] + content[end:]
        case 6:
            return (
                content[:at]
                + content[at:end] * chance.choice((2, 3, 70) if chance.random() < 0.98 else (3000,))
                + content[end:]
            )
        case _:
            return _with_other_lines(content, donors, chance)


def _with_other_lines(content: bytes, donors: Sequence[bytes], chance: random.Random) -> bytes:
    """Move, repeat, leave out or take over lines or words."""
    separator = chance.choice((b"\n", b"\n", b" ", b"+"))
    parts = content.split(separator)
    at = chance.randrange(len(parts))
    match chance.randrange(5):
        case 0:
            del parts[at]
        case 1:
            parts.insert(chance.randrange(len(parts) + 1), parts[at])
        case 2:
            other = chance.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        case 3:
            parts[at] = chance.choice(_TOKENS)
        case _:
            parts[at] = chance.choice(chance.choice(donors).split(separator))
    return separator.join(parts)
