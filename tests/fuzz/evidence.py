"""Looks for evidence that meets another error than it should, is accepted although it was changed, or never ends.

.venv/bin/python -m tests.fuzz.evidence --seconds 60

It changes bundles, zip files, notes, proofs, statements and keys, and gives them to ``check.py`` and to the notary.
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import itertools
import json
import random
import signal
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from harness.bundles import Cosigner, MemoryLog, audit_record, encode_record, signer_of
from server import check
from server.notary.bundle import readable_record
from server.notary.canonical import VERSIONS
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import KeyMaterialError, MalformedError, NotaryError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.note import SignedNote, parse_note
from server.notary.origin import LogName, Stream
from server.notary.statement import open_statement, read_key_change
from server.notary.tlog_proof import parse_tlog_proof
from server.notary.trust import TrustedKeys, follow_key_changes, parse_public_keys
from tests.fuzz.target import FAILURES

__all__ = ["TARGETS", "Failure", "Search", "broken_by", "search"]

Files = Mapping[str, bytes]

_SECONDS = 20.0  # of processor time, for a case: a thousand times what one takes
_LOG = MemoryLog([audit_record(number, VERSIONS[number % len(VERSIONS)]) for number in range(9)])
_FIRST, _SECOND, _THIRD = signer_of(1), signer_of(2, ml_dsa=True), signer_of(3)
_WITNESS = Cosigner("witness.example/w1", 9)
_PQ_WITNESS = Cosigner("witness.example/w2", 8, KeyType.ML_DSA_44)
_CHANGES = (_LOG.key_change(4, 2, _FIRST, _SECOND), _LOG.key_change(7, 5, _SECOND, _THIRD))
_NOTES = (
    _LOG.checkpoint(3, _FIRST),
    _WITNESS.cosign(_LOG.checkpoint(6, _SECOND), 1_767_225_900),
    _PQ_WITNESS.cosign(_LOG.checkpoint(9, _THIRD), 1_767_225_900),
)
_HEADS = {(_LOG.origin, size, _LOG.root(0, size).hex()) for size in (3, 4, 6, 7, 9)}
_VERIFIER_KEYS = tuple(
    str(key)
    for key in (
        *(key for signer in (_FIRST, _SECOND, _THIRD) for key in signer.verifier_keys(_LOG.origin)),
        *(cosigner.verifier_key for cosigner in (_WITNESS, _PQ_WITNESS)),
    )
)
_TRUSTED = _VERIFIER_KEYS[0]
_BELIEVED = [check.parse_key(_TRUSTED)]
_WITNESSES = [check.parse_key(key) for key in _VERIFIER_KEYS[-2:]]
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
    *(b" after ", b" keys ", b"lognotary/v1 ", b"index ", b"extra ", b"c2sp.org/tlog-proof@v1\n", _LOG.origin.encode()),
    *(b"{", b"}", b"[" * 3000, b'"', b'"ActorId": "bob",', b"null", b"NaN", b"true", b"1.0", b"\\u0000", b"\\ud800"),
    *(b"\x80" * 9 + b"\x01", b"\xff" * 9 + b"\x7f", b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\7", b"\xff\xff\xff\xff"),
    *(b"-----BEGIN PUBLIC KEY-----\n", b"-----END PUBLIC KEY-----", *(key.encode() for key in _VERIFIER_KEYS[:3])),
)


class BrokenError(Exception):
    """An outcome that must not happen."""


class HangError(BaseException):
    """A case does not end; no handler of errors may keep it."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise BrokenError(what)


# Each target returns whether the input was accepted, and raises anything at all where something is wrong.


def _judge(files: Files, *, signed: bool = False) -> bool:
    """Check a bundle; whatever is accepted has to be what was signed, and acceptable to the notary."""
    for witnesses in ([], _WITNESSES[:1]):
        report = check.check(files, _BELIEVED, witnesses)
        "\n".join(check._lines(report, check._BUNDLE)).encode()
        if report.proved is None:
            continue
        proved = report.proved
        if not signed:
            _require((proved["Origin"], proved["TreeSize"], proved["RootHash"]) in _HEADS, "a checkpoint nobody signed")
        if not signed or proved["RootHash"] == _LOG.root(0, proved["TreeSize"]).hex():
            entry = hashlib.sha256(_LOG.records[proved["LeafIndex"]]).hexdigest()
            _require(proved["Entry"] == entry, "another record")
        truth = {name: proved[name] for name in proved if name not in ("TreeSize", "RootHash")}
        _require(json.loads(files["record.json"]) == truth, "another readable text")
        _agree(files)
        return True
    return False


def _agree(files: Files) -> None:
    proof = parse_tlog_proof(files["record.tlog-proof"].decode())
    evidence = check.parse(files, _BELIEVED, [])
    _require((proof.index, proof.path) == (evidence.index, evidence.path), "the notary reads another proof")
    checkpoint, note = open_checkpoint(files["checkpoint"].decode())
    mine = evidence.checkpoint
    theirs = (checkpoint.origin, checkpoint.size, checkpoint.root)
    truth = readable_record(files["record.bin"], checkpoint.origin, proof.index)
    _require(check.readable(evidence) == truth, "the notary reads another record")
    _require((mine.origin, mine.size, mine.root) == theirs, "the notary reads another checkpoint")
    names = sorted(name for name in files if name.startswith("key-changes/"))
    changes = [read_key_change(*open_statement(files[name].decode())) for name in names]
    keys = follow_key_changes(parse_public_keys([_TRUSTED]), {checkpoint.origin: changes})
    _require(keys.check(checkpoint, note) != [], "the notary does not accept it")


def _bundle(files: Files) -> bool:
    return _judge(files)


def _signed_again(files: Files) -> bool:
    """Check a bundle whose notes were changed and then signed, as the owner of the keys can."""
    again = dict(files)
    for name in files:
        if name == "checkpoint" or name.startswith("key-changes/"):
            again[name] = _sign_again(files[name])
    return _judge(_with_one_checkpoint(again), signed=True)


def _with_one_checkpoint(files: Files) -> dict[str, bytes]:
    """Put the checkpoint into the proof as well."""
    head = files.get("record.tlog-proof", b"").partition(b"\n\n")[0]
    return {**files, "record.tlog-proof": head + b"\n\n" + files.get("checkpoint", b"")}


def _sign_again(note: bytes) -> bytes:
    text = note.rpartition(b"\n\n")[0] + b"\n"
    try:
        notes = [signer.sign(text.decode(), _LOG.origin) for signer in (_FIRST, _SECOND, _THIRD)]
    except (NotaryError, UnicodeDecodeError):
        return note
    return (text + b"\n") + "".join(s.line() for signed in notes for s in signed.signatures).encode()


def _zip(files: Files) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(files["bundle.zip"])
        file.flush()
        try:
            return _judge(check.read_bundle(Path(file.name)))
        except check.RefusedError:
            return False


def _record(files: Files) -> bool:
    """Read a canonical record of any version, as the notary does."""
    readable: dict[str, object] = {}
    for stream in Stream:
        log = LogName("shop", stream, "a").origin
        try:
            theirs = readable_record(files["record.bin"], log, 0)
        except MalformedError:
            theirs = {}
        try:
            version = check.version_of(files["record.bin"])
            mine = {"CanonicalVersion": version, **check.read_record(files["record.bin"], stream.value)}
        except check.RefusedError:
            mine = {}
        beside = {name: theirs[name] for name in theirs if name not in ("Origin", "LeafIndex", "Entry")}
        _require(mine == beside, "the notary reads another record")
        readable |= mine
    return bool(readable)


def _key_file(files: Files) -> bool:
    """Read a file of keys: the command says that it cannot, the notary too."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(files["key"])
        file.flush()
        try:
            mine = check.read_keys([file.name], check.ED25519, check.COSIGNATURE, check.ML_DSA_44)
        except check.UnusableError:
            mine = []
    try:
        theirs = parse_public_keys([files["key"].decode()])
    except (KeyMaterialError, UnicodeDecodeError):
        theirs = TrustedKeys()
    if mine:
        read = {(key.name, key.public_key) for key in theirs.named} | {("", key) for key in theirs.unnamed}
        _require({(key.name, key.public) for key in mine} == read, "the notary reads other keys")
    return bool(mine)


def _key(files: Files) -> bool:
    text = files["key"].decode(errors="surrogateescape")
    try:
        mine = check.parse_key(text)
    except check.RefusedError:
        mine = None
    try:
        theirs = VerifierKey.parse(text)
    except KeyMaterialError:
        _require(mine is None or len(mine.name.encode()) > 255, "the notary reads no key")
        return False
    if mine is not None:
        read = (mine.name, mine.public, mine.key_id)
        _require(read == (theirs.name, theirs.public_key, theirs.key_id), "another key")
    return mine is not None


def _note(files: Files) -> bool:
    """Read a note in every way there is; keys that signed it sign nothing else."""
    text = files["note"].decode(errors="surrogateescape")
    accepted = False
    for read in (parse_note, open_checkpoint, open_statement, parse_tlog_proof):
        try:
            read(text)
        except VerificationError:
            continue
        accepted = True
    try:
        statement, signed = open_statement(text)
        read_key_change(statement, signed)
    except VerificationError:
        pass
    try:
        checkpoint, signed = open_checkpoint(text)
        signers = signed.verify([VerifierKey.parse(key) for key in _VERIFIER_KEYS])
    except VerificationError:
        return accepted
    head = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    _require(signers == [] or head in _HEADS, "a checkpoint that nobody signed")
    return True


TARGETS: dict[str, Callable[[Files], bool]] = {
    "bundle": _bundle,
    "signed again": _signed_again,
    "zip": _zip,
    "record": _record,
    "key file": _key_file,
    "key": _key,
    "note": _note,
}


def _seeds() -> dict[str, list[dict[str, bytes]]]:
    bundles = [
        _LOG.bundle(1, _NOTES[0]),
        _LOG.bundle(5, _NOTES[1], key_changes=_CHANGES[:1], timestamp=b"0"),
        _LOG.bundle(8, _NOTES[2], key_changes=_CHANGES),
        *_forged(),
    ]
    pem = _FIRST.public_pem()
    texts = [*(str(note).encode() for note in _NOTES), *(change.encode() for change in _CHANGES)]
    return {
        "bundle": bundles,
        "signed again": bundles[:],
        "record": [{"record.bin": encode_record(Stream.OPERATIONAL, {}, version)} for version in VERSIONS]
        + [{"record.bin": record} for record in _LOG.records[: len(VERSIONS)]],
        "zip": [{"bundle.zip": _zipped(files, method)} for files in bundles for method in (0, zipfile.ZIP_DEFLATED)],
        "key file": [{"key": content} for content in (pem, "\n".join(_VERIFIER_KEYS).encode(), _TRUSTED.encode())],
        "key": [{"key": key.encode()} for key in _VERIFIER_KEYS],
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
    yield replace(_LOG, records=log.records).bundle(2, _NOTES[0])  # with a path that leads nowhere
    true = _LOG.bundle(2, _NOTES[0])
    yield {**true, "record.json": log.bundle(2, note)["record.json"]}


def _zipped(files: Files, method: int) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, content in files.items():
            file.writestr(zipfile.ZipInfo(name), content, compress_type=method)
    return archive.getvalue()


@dataclass(frozen=True)
class Failure:
    """An input and what it did."""

    target: str
    files: Files
    why: str

    def __str__(self) -> str:
        return f"{self.target}:\n{self.why}"

    def to_bytes(self) -> bytes:
        files = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        return json.dumps({"target": self.target, "files": files}).encode()


@dataclass
class Search:
    """Result of a search.

    Attributes:
        cases: how many inputs were tried, by target.
        accepted: how many of them were accepted.
        slowest: how many seconds one took at most.
        found: what was found, one failure at most.
    """

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    found: Failure | None = None


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise HangError("it takes too long")

    before = signal.signal(signal.SIGPROF, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _try(target: str, files: Files, seconds: float = _SECONDS) -> tuple[bool, Failure | None]:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        return TARGETS[target](files), None
    except (Exception, HangError):
        return False, Failure(target, files, traceback.format_exc())
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def broken_by(saved: bytes, seconds: float = _SECONDS) -> Failure | None:
    """Try a saved input again, for a number of seconds of processor time."""
    case = json.loads(saved)
    with _time_limit():
        files = {name: base64.b64decode(text) for name, text in case["files"].items()}
        return _try(case["target"], files, seconds)[1]


def search(seed: int, *, seconds: float = float("inf"), cases: int | None = None) -> Search:
    """Try mutations of evidence until one does what it must not.

    Args:
        seed: of the mutations.
        seconds: when to stop.
        cases: after how many mutations to stop.
    """
    chance = random.Random(seed)
    seeds = _seeds()
    done = Search()
    end = time.monotonic() + seconds
    turns = itertools.count() if cases is None else range(cases)
    with _time_limit():
        inputs = itertools.chain(
            ((target, files) for target, some in seeds.items() for files in some),
            (_mutant(seeds, chance) for _ in turns),
        )
        for target, files in inputs:
            begun = time.monotonic()
            if begun >= end:
                break
            accepted, done.found = _try(target, files)
            done.slowest = max(done.slowest, time.monotonic() - begun)
            done.cases[target] += 1
            done.accepted[target] += accepted
            if done.found:
                break
            if accepted and chance.random() < 0.2:  # what is still accepted may be changed further
                seeds[target] = [*seeds[target][: len(TARGETS) + 9], dict(files)]
    return done


def _mutant(seeds: Mapping[str, Sequence[Files]], chance: random.Random) -> tuple[str, Files]:
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
            files = _with_one_checkpoint(files)
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


def main() -> int:
    """Search; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.evidence", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="seed of the mutations (default: a new one, which is printed)")
    parser.add_argument("files", nargs="*", type=Path, help="try these saved inputs only")
    arguments = parser.parse_args()
    if arguments.files:
        failures = [found for path in arguments.files if (found := broken_by(path.read_bytes()))]
        print(*map(str, failures), *([] if failures else ["nothing wrong"]), sep="\n")
        return 1 if failures else 0
    seed = random.SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed
    print(f"evidence: seed {seed}", flush=True)
    done = search(seed, seconds=arguments.seconds)
    outcomes = ", ".join(f"{target} {count} ({done.accepted[target]} accepted)" for target, count in done.cases.items())
    print(f"evidence: {done.cases.total()} inputs, the slowest {done.slowest:.2f} s: {outcomes}")
    if done.found is None:
        return 0
    FAILURES.mkdir(exist_ok=True)
    saved = done.found.to_bytes()
    path = FAILURES / f"evidence-{hashlib.sha1(saved, usedforsecurity=False).hexdigest()}"
    path.write_bytes(saved)
    print(f"evidence: FOUND {done.found}\n  Reproduce: python -m tests.fuzz.evidence {path}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
