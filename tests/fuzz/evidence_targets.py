"""Readers of evidence: each returns whether it accepts an input, and raises anything at all if something is wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

from server import check
from server.notary.bundle import readable_record
from server.notary.checkpoint import open_checkpoint
from server.notary.errors import KeyMaterialError, MalformedError, NotaryError, VerificationError
from server.notary.keys import VerifierKey
from server.notary.note import parse_note
from server.notary.origin import LogName, Stream
from server.notary.statement import open_statement, read_key_change
from server.notary.tlog_proof import parse_tlog_proof
from server.notary.trust import TrustedKeys, follow_key_changes, parse_public_keys
from tests.fuzz.evidence_seeds import (
    HEADS,
    LOG,
    OPENED,
    OPENED_MARK,
    SIGNERS,
    TRUSTED,
    VERIFIER_KEYS,
    Files,
    with_one_checkpoint,
)

__all__ = ["TARGETS"]

_BELIEVED = [check.parse_key(TRUSTED)]
_WITNESSES = [check.parse_key(key) for key in VERIFIER_KEYS[-2:]]


class BrokenError(Exception):
    """An outcome that must not happen."""


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise BrokenError(what)


def _judge(files: Files, *, signed: bool = False) -> bool:
    """Check a bundle; whatever is accepted has to be what was signed, and acceptable to the notary."""
    for witnesses in ([], _WITNESSES[:1]):
        report = check.check(files, _BELIEVED, witnesses)
        "\n".join(check._lines(report, check._BUNDLE)).encode()
        if report.proved is None:
            continue
        proved = report.proved
        if not signed:
            _require((proved["Origin"], proved["TreeSize"], proved["RootHash"]) in HEADS, "a checkpoint nobody signed")
        if not signed or proved["RootHash"] == LOG.root(0, proved["TreeSize"]).hex():
            entry = hashlib.sha256(LOG.records[proved["LeafIndex"]]).hexdigest()
            _require(proved["Entry"] == entry, "another record")
        opened = {OPENED_MARK.decode(): OPENED.value.decode()}
        _require(proved.get("Disclosed", opened) == opened, "a value that nobody disclosed")
        truth = {name: proved[name] for name in proved if name not in ("TreeSize", "RootHash", "Disclosed")}
        made, _ = check.as_made(files)
        _require(json.loads(made["record.json"]) == truth, "another readable text")
        _agree(made)
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
    keys = follow_key_changes(parse_public_keys([TRUSTED]), {checkpoint.origin: changes})
    _require(keys.check(checkpoint, note) != [], "the notary does not accept it")


def _bundle(files: Files) -> bool:
    return _judge(files)


def _signed_again(files: Files) -> bool:
    """Check a bundle whose notes were changed and then signed, as the owner of the keys can."""
    again = dict(files)
    for name in files:
        if name == "checkpoint" or name.startswith("key-changes/"):
            again[name] = _sign_again(files[name])
    return _judge(with_one_checkpoint(again), signed=True)


def _sign_again(note: bytes) -> bytes:
    text = note.rpartition(b"\n\n")[0] + b"\n"
    try:
        notes = [signer.sign(text.decode(), LOG.origin) for signer in SIGNERS]
    except (NotaryError, UnicodeDecodeError):
        return note
    return (text + b"\n") + "".join(s.line() for signed in notes for s in signed.signatures).encode()


def _file(files: Files) -> bool:
    """Check a bundle that is one file: a zip file or a page."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(files["file"])
        file.flush()
        try:
            return _judge(check.read_bundle(Path(file.name)))
        except check.RefusedError:
            return False


class _Identified(HTMLParser):
    """The elements of a page that have the ID of the bundle, as another parser finds them: names and contents."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._is_open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        identifier = next((value for name, value in attrs if name == "id"), None)
        self._is_open = identifier == "bundle"
        if self._is_open:
            self.found.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_open = False

    def handle_data(self, data: str) -> None:
        if self._is_open:
            tag, text = self.found[-1]
            self.found[-1] = (tag, text + data)


def _page(files: Files) -> bool:
    """Check a bundle in a page; another parser of HTML has to find the same bundle, and no second one."""
    is_accepted = _file(files)
    if is_accepted and files["file"].lstrip()[:1] == b"<":
        parser = _Identified()
        parser.feed(files["file"].decode(errors="replace"))
        parser.close()
        _require([tag for tag, _ in parser.found] == ["script"], "another parser finds another element")
        packed = json.loads("".join(parser.found[0][1].split()))
        read = check._read_html(files["file"])
        unpacked = {name: base64.b64decode(packed[name]) for name in read if name in packed and read[name]}
        _require(unpacked == {name: content for name, content in read.items() if content}, "another bundle")
    return is_accepted


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
        signers = signed.verify([VerifierKey.parse(key) for key in VERIFIER_KEYS])
    except VerificationError:
        return accepted
    head = (checkpoint.origin, checkpoint.size, checkpoint.root.hex())
    _require(signers == [] or head in HEADS, "a checkpoint that nobody signed")
    return True


TARGETS: dict[str, Callable[[Files], bool]] = {
    "bundle": _bundle,
    "signed again": _signed_again,
    "zip": _file,
    "page": _page,
    "record": _record,
    "key file": _key_file,
    "key": _key,
    "note": _note,
}
