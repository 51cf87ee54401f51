"""Evidence to check in two languages: bundles of logs of each stream and version, and mutations."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.bundles import MemoryLog, encode_record
from server import check
from server.notary.canonical import Kind, canonical_columns, versions_of
from server.notary.commitment import commitment_mark
from server.notary.errors import NotaryError
from server.notary.origin import LogName, Stream
from tests.checked_bundles import BUNDLES, FIRST, SECOND, STRANGER, THIRD, WITNESS, WITNESSED
from tests.checked_bundles import LOG as CHECKED_LOG
from tests.fuzz.evidence_mutations import mutant
from tests.fuzz.evidence_seeds import LOG, SIGNERS, VERIFIER_KEYS, Files, seeds_of_targets, with_one_checkpoint
from tests.test_check_disclosures import EMPTY, NAME, SECRET
from tests.test_check_disclosures import bundle as disclosed_bundle

__all__ = ["BundleCase", "bundle_cases", "key_texts"]

_TEXTS = (
    b"",
    b"a",
    "Ж✓😀".encode(),
    b"\xff\xfe",
    b"line\r\nline\n",
    b'"\\/\x00\x1b',
    b"\xef\xbb\xbfx",
    "\u2028".encode(),
)
_KEYS = tuple(key for key in VERIFIER_KEYS if check.parse_key(key).key_type == check.ED25519)
_OTHERS = tuple(str(signer.verifier_key(LOG.origin)) for signer in (SECOND, THIRD, STRANGER))
_ELSEWHERE = str(FIRST.verifier_key("shop/audit/b"))
_PEM = FIRST.public_pem().decode()
_WITNESS = str(WITNESS.verifier_key)
_TRUST = (
    *(((key,), ()) for key in (*_KEYS, *_OTHERS)),
    *(((_KEYS[0],), ()), ((_PEM,), ()), ((_PEM,), ()), ((_PEM,), (_WITNESS,))) * 3,
    *(((_ELSEWHERE,), ()), ((_ELSEWHERE, _KEYS[0]), ()), ((), ()), ((_PEM, _KEYS[0], _KEYS[0]), ())),
    *(((_KEYS[0],), (_WITNESS,)), ((_OTHERS[-1], _PEM), ()), ((_PEM,), (_WITNESS, _KEYS[0]))),
)


@dataclass(frozen=True)
class BundleCase:
    """A bundle, and the keys and witnesses to check it with, as texts."""

    files: Files
    keys: tuple[str, ...] = (_PEM,)
    witnesses: tuple[str, ...] = ()

    def question(self) -> dict[str, object]:
        """Return the case as the program of the web page takes it."""
        files = {name: base64.b64encode(content).decode() for name, content in self.files.items()}
        return {"kind": "bundle", "files": files, "keys": self.keys, "witnesses": self.witnesses}

    def believed(self) -> list[check.Key]:
        """Return the keys."""
        return [_key(text) for text in self.keys]

    def believed_witnesses(self) -> list[check.Key]:
        """Return the witnesses' keys."""
        return [_key(text) for text in self.witnesses]


def _key(text: str) -> check.Key:
    return check._read_pem(text) if "-----BEGIN" in text else check.parse_key(text)


@dataclass
class _Random:
    chance: random.Random
    texts: list[bytes] = field(default_factory=lambda: [*_TEXTS, b"x" * 200])

    def record(self, stream: Stream, version: int) -> bytes:
        values: dict[str, Any] = {
            column.name: self._value(column.kind) for column in canonical_columns(stream, version)
        }
        if version == 1:
            values["Timestamp"] = self.chance.choice((0, 1, 2**63 - 1, self.chance.getrandbits(62)))
        return encode_record(stream, values, version)

    def _value(self, kind: Kind) -> Any:
        chance = self.chance
        if kind.element is not None:
            return [self._value(kind.element) for _ in range(chance.choice((0, 0, 1, 3)))]
        match kind:
            case Kind.TIME:
                return chance.choice((0, 1, -1, 2**63 - 1, -(2**63), chance.getrandbits(62), -chance.getrandbits(62)))
            case Kind.UINT8:
                return chance.choice((0, 1, 255))
            case Kind.UINT32:
                return chance.choice((0, 2**32 - 1, chance.getrandbits(32)))
            case Kind.UINT64:
                return chance.choice((0, 2**53 + 1, 2**64 - 1, chance.getrandbits(64)))
            case Kind.MAP:
                keys = (b"a", b"b", b"time", b"__proto__", b"10", b"9", b"\xff", "ключ".encode())
                return [(chance.choice(keys), self._text()) for _ in range(chance.choice((0, 1, 2, 5)))]
            case _:
                return self._text()

    def _text(self) -> bytes:
        return self.chance.choice(self.texts)


def bundle_cases(seed: int, count: int) -> Iterator[BundleCase]:
    """Yield seeds of each kind, true and forged, and then mutations, all together ``count`` cases.

    Args:
        seed: of all choices.
        count: number of cases, more than the seeds.
    """
    chance = random.Random(seed)
    made = [*_seeds(), *_aimed(), *_random_bundles(_Random(chance))]
    yield from made[:count]
    seeds = seeds_of_targets()
    seeds["bundle"] += [dict(case.files) for case in made]
    seeds["signed again"] += [dict(case.files) for case in made if "key-changes/0001" in case.files]
    done = len(made)
    while done < count:
        target, files = mutant(seeds, chance)
        if target in ("bundle", "signed again"):
            given = _signed_again(files) if target == "signed again" else files
        elif target == "record":
            given = _bundle_of(files["record.bin"], chance.choice(list(Stream)))
        elif target == "note":
            given = with_one_checkpoint({**LOG.bundle(1, LOG.checkpoint(3, FIRST)), "checkpoint": files["note"]})
        else:
            continue
        keys, witnesses = chance.choice(_TRUST) if chance.random() < 0.5 else ((_PEM,), ())
        yield BundleCase(given, keys, witnesses)
        done += 1


def key_texts(seed: int, count: int) -> list[str]:
    """Return texts of keys, most of them changed."""
    chance = random.Random(seed)
    seeds = seeds_of_targets()
    texts = list(VERIFIER_KEYS)
    while len(texts) < count:
        target, files = mutant(seeds, chance)
        if target == "key":
            texts.append(files["key"].decode(errors="replace"))
    return texts


def _seeds() -> Iterator[BundleCase]:
    for files in (*seeds_of_targets()["bundle"], *BUNDLES.values()):
        for keys, witnesses in dict.fromkeys(_TRUST):
            yield BundleCase(files, keys, witnesses)
    yield BundleCase(CHECKED_LOG.bundle(5, WITNESSED), (_PEM,), (_WITNESS,))
    change = LOG.key_change(4, 2, FIRST, THIRD)
    again = LOG.key_change(4, 3, THIRD, SECOND)
    for signer in (FIRST, SECOND, THIRD, STRANGER):
        for size in (3, 4, 6):
            for changes in ([change], [change, again], [again], [again, change]):
                yield BundleCase(LOG.bundle(1, LOG.checkpoint(size, signer), key_changes=changes))
    for opened in ((), (NAME,), (NAME, SECRET, EMPTY), (NAME, NAME)):
        yield BundleCase(disclosed_bundle(*opened))


def _aimed() -> Iterator[BundleCase]:
    """Yield bundles in which all holds but for one rule, which chance would hardly break alone."""
    for changes in (
        (LOG.key_change(4, 2, FIRST, SECOND), LOG.key_change(7, 5, FIRST, THIRD)),  # does not go on
        (LOG.key_change(4, 5, FIRST, SECOND), LOG.key_change(7, 5, SECOND, THIRD)),  # the same number
        (LOG.key_change(7, 2, FIRST, SECOND), LOG.key_change(4, 5, SECOND, THIRD)),  # the size goes back
        (LOG.key_change(4, 2, FIRST, SECOND), LOG.key_change(4, 5, SECOND, THIRD)),  # twice at a size
        (LOG.key_change(4, 2, FIRST, FIRST), LOG.key_change(7, 5, FIRST, THIRD)),
    ):
        for size in (4, 7, 9):
            for signer in (FIRST, SECOND, THIRD):
                yield BundleCase(LOG.bundle(1, LOG.checkpoint(size, signer), key_changes=changes))
    for files in (BUNDLES[1], BUNDLES[2], disclosed_bundle(NAME, SECRET, EMPTY)):
        yield from map(BundleCase, _with_other_claims(files))
        yield from map(BundleCase, _in_other_base64(files))
    yield from map(BundleCase, _with_other_disclosures())


def _with_other_claims(files: Files) -> Iterator[Files]:
    claims = json.loads(files["record.json"])
    for name, value in claims.items():
        others: list[object] = [None, True, [value], {"base64": "YQ=="}, {}]
        if isinstance(value, int):
            others += [float(value), str(value), bool(value), value + 1, value + 2**64]
        if isinstance(value, dict):
            others += [list(value.items()), {**value, "": ""}, dict(reversed(value.items()))]
        if name.endswith("Timestamp") or name == "IngestedAt":
            others += [{**value, "unix_nanos": float(value["unix_nanos"])}, value["time"]]
        for other in others:
            yield {**files, "record.json": json.dumps({**claims, name: other}).encode()}
    text = files["record.json"].decode()
    for other in (
        text.replace(": 0,", ": -0,"),
        text.replace(": 0,", ": 0e0,"),
        text.replace(": 0,", ": NaN,"),
        text + " ",
    ):
        yield {**files, "record.json": other.encode()}


def _in_other_base64(files: Files) -> Iterator[Files]:
    """Yield the bundle with each base64 in it written in another way: of the last digit, not all bits count."""
    for name in ("checkpoint", "record.tlog-proof", "disclosures.json"):
        for found in re.finditer(rb"([A-Za-z0-9+/]{9,})(=?)(?=[\n\"])", files.get(name, b"")):
            last = found.end(1) - 1
            for other in (bytes((files[name][last] ^ 1,)), files[name][last : last + 1] + b"="):
                changed = {**files, name: files[name][:last] + other + files[name][last + 1 :]}
                yield with_one_checkpoint(changed) if name == "checkpoint" else changed


def _with_other_disclosures() -> Iterator[Files]:
    true = disclosed_bundle(NAME, SECRET, EMPTY)
    given = json.loads(true["disclosures.json"])
    values = given["disclosures"]
    one = values[0]
    moved = base64.b64decode(one["salt"]) + base64.b64decode(one["value"])
    split = [base64.b64encode(part).decode() for part in (moved[:31], moved[31:])]
    for other in (
        *([], [one, one], [one, 7], [{**one, "more": ""}], [{**one, "salt": 7}], [{**one, "rule": "card"}], {"0": one}),
        *([{**one, "salt": split[0], "value": split[1]}], [{**one, "value": ""}], [{**one, "commitment": "0" * 64}]),
        *([{name: one[name] for name in ("commitment", "rule", "salt")}], [values[1], values[0]], values * 500),
    ):
        yield {**true, "disclosures.json": json.dumps({**given, "disclosures": other}).encode()}
    wholes: tuple[object, ...] = (
        {**given, "format": "lognotary/disclosures/v2"},
        {**given, "more": 1},
        {"format": given["format"]},
        [],
    )
    for whole in wholes:
        yield {**true, "disclosures.json": json.dumps(whole).encode()}
    marks = b" ".join(commitment_mark(value.rule, value.digest) for value in (NAME, SECRET, EMPTY))
    for details in (
        *(b"", b"{}", b"{", b"\xff", b"[]", b'{"commitments":7}', b'{"commitments":[[]]}', b'{"commitments":[7,null]}'),
        *(b'{"commitments":["%b"]}' % value.digest.encode() for value in (NAME, EMPTY)),
        b'{"commitments":[],"commitments":["%b"],"x":NaN}' % NAME.digest.encode(),
    ):
        for body in (marks, base64.b64encode(b" " + marks), base64.b64encode(marks) + b"=", b"x" + marks):
            log = MemoryLog([encode_record(Stream.AUDIT, {"Body": body, "OtlpDetails": details})])
            files = log.bundle(0, log.checkpoint(1, FIRST))
            yield files
            yield {**files, "disclosures.json": disclosed_bundle(NAME)["disclosures.json"]}


def _random_bundles(values: _Random) -> Iterator[BundleCase]:
    for stream in Stream:
        for version in versions_of(stream):
            for size in range(1, 12):
                records = [values.record(stream, version) for _ in range(size)]
                log = MemoryLog(records, LogName("shop", stream, "a"))
                yield BundleCase(log.bundle(values.chance.randrange(size), log.checkpoint(size, FIRST)))


def _bundle_of(record: bytes, stream: Stream) -> dict[str, bytes]:
    """Return a bundle of a record, whatever it is, that was signed."""
    log = MemoryLog([record], LogName("shop", stream, "a"))
    try:
        return log.bundle(0, log.checkpoint(1, FIRST))
    except NotaryError:  # it has no readable text
        path = "c2sp.org/tlog-proof@v1\nindex 0\n"
        files = {"record.bin": record, "record.json": b"{}", "record.tlog-proof": path.encode()}
        return with_one_checkpoint({**files, "checkpoint": str(log.checkpoint(1, FIRST)).encode()})


def _signed_again(files: Files) -> dict[str, bytes]:
    """Return a bundle whose notes were changed and then signed, as the owner of the keys can."""
    again = dict(files)
    for name in files:
        if name != "checkpoint" and not name.startswith("key-changes/"):
            continue
        text = files[name].rpartition(b"\n\n")[0] + b"\n"
        try:
            notes = [signer.sign(text.decode(), LOG.origin) for signer in SIGNERS]
        except (NotaryError, UnicodeDecodeError):
            continue
        lines = "".join(signature.line() for note in notes for signature in note.signatures)
        again[name] = text + b"\n" + lines.encode()
    return with_one_checkpoint(again)
