"""Acknowledgements: signed statements of somebody that a finding is known.

An acknowledgement is a signed note (C2SP signed-note). Its text has seven lines, each ending with a newline:

    lognotary/acknowledgement/v1
    finding <identity of the finding, 64 hexadecimal digits>
    count <number of such findings that are known>
    time <unix seconds>
    kind <kind of the finding>
    about <message of the finding, for people>
    reason <why it is known>

Its second line is no number, so it cannot be taken for a checkpoint. The name of the key that signs is
``lognotary/acknowledgement``, whatever else the key signs.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server.notary.errors import MalformedError
from server.notary.findings import Finding, FindingKind, finding_id
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import NoteSignature, SignedNote, check_text, parse_note
from server.notary.signers import SigningKey
from server.notary.trust import TrustedKeys, fingerprint

__all__ = [
    "KEY_NAME",
    "Acknowledged",
    "Acknowledgement",
    "Coverage",
    "acknowledgement_keys",
    "open_acknowledgement",
    "parse_acknowledgement",
    "sign_acknowledgement",
]

KEY_NAME = "lognotary/acknowledgement"

_LONGEST = 1000  # characters of a reason
_TEXT = re.compile(
    r"lognotary/acknowledgement/v1\n"
    r"finding ([0-9a-f]{64})\n"
    r"count ([1-9][0-9]{0,8})\n"
    r"time (0|[1-9][0-9]{0,10})\n"
    r"kind ([A-Z_]{1,100})\n"
    r"about ([^\n]*)\n"
    r"reason ([^\n]+)\n"
)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Statement that a finding is known.

    Attributes:
        finding: identity of the finding: see ``finding_id``.
        count: number of findings with this identity that are known.
        time: when it was signed, in seconds since the epoch.
        kind: kind of the finding, for people.
        about: message of the finding, for people.
        reason: why it is known.
    """

    finding: str
    count: int
    time: int
    kind: str
    about: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip() or len(self.reason) > _LONGEST or not self.reason.isprintable():
            raise MalformedError(f"a reason must be one line of 1 to {_LONGEST} printable characters")

    def text(self) -> str:
        """Return the note text that is signed."""
        return (
            f"lognotary/acknowledgement/v1\nfinding {self.finding}\ncount {self.count}\ntime {self.time}\n"
            f"kind {self.kind}\nabout {self.about}\nreason {self.reason}\n"
        )


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement of which the signature was checked.

    Attributes:
        acknowledgement: the acknowledgement.
        signed_by: fingerprint of the key that signed it.
    """

    acknowledgement: Acknowledgement
    signed_by: str


def sign_acknowledgement(acknowledgement: Acknowledgement, key: SigningKey) -> SignedNote:
    """Sign an acknowledgement with an Ed25519 key.

    Raises:
        MalformedError: a line of it cannot be signed.
        SigningError: the key cannot sign at the moment.
    """
    text = acknowledgement.text()
    check_text(text)
    public = VerifierKey(KEY_NAME, key.public_key)
    return SignedNote(text, (NoteSignature(KEY_NAME, public.key_id, key.sign(text.encode())),))


def open_acknowledgement(note: str, keys: Iterable[bytes]) -> Acknowledged:
    """Read an acknowledgement and check its signature.

    Args:
        note: the signed note.
        keys: raw Ed25519 public keys of those who may acknowledge findings.

    Raises:
        MalformedError: the note is not an acknowledgement.
        VerificationError: the note is signed by none of the keys.
    """
    known = parse_acknowledgement(note)
    [signer, *_] = parse_note(note).verify(VerifierKey(KEY_NAME, key) for key in keys)
    return Acknowledged(known, fingerprint(signer.public_key))


def parse_acknowledgement(note: str) -> Acknowledgement:
    """Read an acknowledgement; no signature is checked.

    Raises:
        MalformedError: the note is not an acknowledgement.
    """
    match = _TEXT.fullmatch(parse_note(note).text)
    if not match or match[4] not in FindingKind.__members__:
        raise MalformedError("the note is not an acknowledgement of a finding")
    finding, count, time, kind, about, reason = match.groups()
    return Acknowledgement(finding, int(count), int(time), kind, about, reason)


def acknowledgement_keys(keys: TrustedKeys) -> list[bytes]:
    """Return the raw Ed25519 public keys of logs that may also acknowledge findings.

    A key that others may have acknowledges nothing: they could date their acknowledgements back.
    """
    spans = (key for spans in keys.spans.values() for span in spans for key in span.keys)
    named = (key.public_key for key in (*keys.named, *spans) if key.key_type is KeyType.ED25519)
    every = dict.fromkeys((*keys.unnamed, *named))
    return [key for key in every if fingerprint(key) not in keys.compromised]


class Coverage:
    """Findings that acknowledgements cover: as many of each identity as the acknowledgement with the highest count."""

    def __init__(self, known: Sequence[Acknowledged]) -> None:
        """Start with acknowledgements of which the signatures were checked."""
        self._known: dict[str, Acknowledged] = {}
        for one in known:
            before = self._known.get(one.acknowledgement.finding)
            if before is None or before.acknowledgement.count < one.acknowledgement.count:
                self._known[one.acknowledgement.finding] = one
        self._found: Counter[str] = Counter()

    def take(self, finding: Finding) -> Acknowledged | None:
        """Return the acknowledgement that covers a finding; None if it is not known, or there are more of it."""
        name = finding_id(finding)
        known = self._known.get(name)
        self._found[name] += 1
        return known if known is not None and self._found[name] <= known.acknowledgement.count else None
