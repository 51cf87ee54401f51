#!/usr/bin/env python3
"""Checks an evidence bundle: one record, and the proof that it stands in a log that somebody signed. Or an export.

    python check.py BUNDLE --public-key KEY [--witness KEY] [--json]
    python check.py FILE MANIFEST --public-key KEY [--json]

This file needs Python 3.11 and the package ``cryptography``, and nothing else: no Lognotary, no server, no
storage, no network. Copy it away and keep it with the evidence. It believes nothing but the keys it is given.

Read it from top to bottom, beside RFC 9162 (Merkle trees; RFC 6962 has the same ones) and what C2SP specifies at
https://c2sp.org: signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature. Every function here raises
``RefusedError`` where the evidence does not hold.
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import gzip
import io
import json
import re
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["RefusedError", "Report", "UnusableError", "add_arguments", "check", "main", "read_keys", "run"]
__version__ = "0.1.0"


class RefusedError(Exception):
    """The evidence does not hold, or is malformed; the message says why."""


class UnusableError(Exception):
    """Nothing could be checked: what was given as bundle or as key cannot be read."""


# ---- 1. files: they are there and well-formed -------------------------------------------------------------

_MIB = 1 << 20
_FILES = ("record.bin", "record.json", "record.tlog-proof", "checkpoint")  # record.bin comes first in sorted order
_DISCLOSURES = "disclosures.json"  # which a bundle need not have
_KEY_CHANGE = re.compile(r"key-changes/[0-9]{4}")
_ADDED = re.compile(r"(?:.*/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)|__MACOSX(?:/.*)?", re.IGNORECASE)
_MOST_FOLDERS = 3  # around a bundle
_MOST_RENAMED = 20  # files to examine if some of the bundle's are missing
_MOST_RENAMED_BYTES = 128 * _MIB  # of all of them
_ZIP, _GZIP = b"PK\3\4", b"\x1f\x8b"
_ATTRIBUTE = (
    rb"[ \t\r\n\f]++([a-z_:@][\w:.@-]*+)"
    rb"""(?:[ \t\r\n\f]*+=[ \t\r\n\f]*+("[^"]*+"|'[^']*+'|[^ \t\r\n\f"'=<>`]++))?+"""
)
_ATTRIBUTES = re.compile(_ATTRIBUTE, re.IGNORECASE)
_MARKUP = re.compile(  # all that may begin with "<" outside of the elements below: a comment, a doctype, a tag
    rb"<!--[^<>]*+(?<=--)>|<!doctype [^<>\[]*+>|<(/?)([a-z][a-z0-9-]*+)((?:" + _ATTRIBUTE + rb")*+)[ \t\r\n\f]*+/?>",
    re.IGNORECASE,
)
_TEXT_ONLY = {
    b"script",
    b"style",
    b"title",
    b"textarea",
    b"noscript",
}  # elements whose content is text up to the end tag
_HIDING = {  # elements in which a tag is something else, or nothing
    *(b"frameset", b"iframe", b"math", b"noembed", b"noframes", b"plaintext", b"select", b"svg", b"template", b"xmp"),
}
_END_OF_SCRIPT = re.compile(rb"</script[\s/>]", re.IGNORECASE)
_SPACES = b" \t\r\n\f\v"
_MOST_HTML = 512 * _MIB
_MESSAGE = re.compile(rb"^(?:MIME-Version|Content-Type)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_SIGNED = re.compile("\n\n— [^\\s+]+ [A-Za-z0-9+/]+=*\n".encode())  # the first signature of a signed note
_OTHER_ARCHIVES = (_GZIP, b"BZ", b"7z", b"\xfd7", b"Ra")
_BASE64_TEXT = re.compile(rb"[A-Za-z0-9+/\r\n]+={0,2}\s*")

_NAME = r"[^\s+\x00-\x1f\ud800-\udfff]+"  # no space, no plus sign
_NUMBER = r"0|[1-9][0-9]{0,17}"
_HASH = r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="  # base64 of 32 bytes: of the last digit, 4 bits count
_NOTE = re.compile(
    rf"(?P<text>(?P<origin>{_NAME})\n(?P<size>{_NUMBER})\n(?P<root>{_HASH})\n(?P<extension>(?:[^\x00-\x1f]+\n)*))"
    rf"\n(?P<signatures>(?:— {_NAME} [A-Za-z0-9+/=]+\n){{1,64}})"
)
_PROOF = re.compile(
    rf"c2sp\.org/tlog-proof@v1\n(?:extra [A-Za-z0-9+/=]+\n)?index ({_NUMBER})\n((?:{_HASH}\n){{0,63}})\n(.*)", re.DOTALL
)
_STATEMENT = re.compile(rf"lognotary/v1 ([1-9][0-9]{{0,17}}) (?:{_NUMBER}) keys ([^\n]+)\n")
_VERIFIER_KEY = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/=]+)")

ED25519, COSIGNATURE, ML_DSA_44 = 1, 4, 6
_KEY_NAMES = {ED25519: "Ed25519", COSIGNATURE: "witness's", ML_DSA_44: "ML-DSA-44"}
_KEY_SIZES = {ED25519: 32, COSIGNATURE: 32, ML_DSA_44: 1312}


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. Its name is empty if it was given without one, as in a PEM file."""

    name: str
    key_type: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The key ID (C2SP signed-note)."""
        return sha256(self.name.encode() + b"\n" + bytes((self.key_type,)) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed checkpoint. ``text`` is what is signed; a signature is the key's name, its ID, and bytes."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    origin: str
    size: int
    root: bytes
    extension: str


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A statement that ``after`` sign from this size of the log on, and ``before`` did so far."""

    checkpoint: Checkpoint
    number: int
    before: tuple[Key, ...]
    after: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A bundle's files, parsed, and the keys to believe: those of the log, and those of witnesses.

    ``claims`` is record.json; ``proved`` is the checkpoint that stands in record.tlog-proof; ``disclosures`` is
    disclosures.json, None if there is no such file.
    """

    record: bytes
    claims: dict[str, Any]
    index: int
    path: tuple[bytes, ...]
    proved: Checkpoint
    checkpoint: Checkpoint
    changes: tuple[KeyChange, ...]
    keys: tuple[Key, ...]
    witnesses: tuple[Key, ...]
    disclosures: bytes | None


def read_bundle(path: Path) -> dict[str, bytes]:
    """Read a bundle's files from a directory, a zip file or an HTML file. Those that are not checked are left empty."""
    return _read_bundle(path)[0]


def _read_bundle(path: Path) -> tuple[dict[str, bytes], bool]:
    """Read a bundle's files; return also whether they were in an HTML file."""
    try:
        if path.is_dir():
            top = _innermost(path)
            found = [file.relative_to(top).as_posix() for file in (*top.iterdir(), *top.glob("key-changes/*"))]
            names = [name for name in found if (top / name).is_file()]  # opening a pipe would wait for its writer
            return _unwrapped(_read_files(names, lambda name: (top / name).open("rb")), is_page=False)
        if not path.exists():
            raise UnusableError(f"there is no file {path}: check the path")
        if not path.is_file() or path.stat().st_size > 1024 * _MIB:
            raise UnusableError(f"{path} is neither a directory nor a zip file or HTML file of at most 1 GiB")
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise UnusableError(_unreadable(path, error)) from error
    return _unwrapped(_read_archive(data), is_page=_is_html(data))


def _unwrapped(files: dict[str, bytes], *, is_page: bool) -> tuple[dict[str, bytes], bool]:
    """Return the files of a bundle that was packed again: a zip file or an HTML file, in a zip file or a directory."""
    for _ in range(_MOST_FOLDERS):
        contents = list(files.values())
        if len(contents) != 1 or not (contents[0][:4] == _ZIP or _is_html(contents[0])):
            break
        files, is_page = _read_archive(contents[0]), is_page or _is_html(contents[0])
    return files, is_page


def _read_archive(data: bytes) -> dict[str, bytes]:
    if _is_html(data):
        return _read_html(data)
    if not _is_archive(data[-42:]):
        if data[:2] in _OTHER_ARCHIVES:
            raise RefusedError("the file is another archive than a zip file: unpack it, and check the directory")
        if b"\0" not in data and _SIGNED.search(data[:_MIB]):  # a broken zip file has signed notes in it too
            raise UnusableError(
                "the file is a signed note, such as a checkpoint or a manifest. A manifest comes after the file of its "
                "export. A checkpoint alone proves no record: 'lognotary verify --checkpoint FILE' compares a log to it"
            )
        if _MESSAGE.search(data[:4096]):
            raise RefusedError(
                "the file is a message or a page in MIME (.eml, .mht): save the attachment, or the page as HTML, and "
                "check that"
            )
        raise RefusedError(
            "the file is not a valid zip file of a bundle: if it was exported, give its manifest too, after the file"
        )
    try:
        return _read_zip(io.BytesIO(data))
    except (RefusedError, MemoryError):
        raise
    except Exception as error:  # zipfile raises errors of many kinds
        raise RefusedError(f"the zip file is broken: {error!r}") from error


def _is_html(data: bytes) -> bool:
    """Return whether a file begins as HTML does, also in UTF-16 or after a byte order mark."""
    return data[:100].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe" + _SPACES)[:1] == b"<"


def _read_html(data: bytes) -> dict[str, bytes]:
    """Read a bundle from an HTML file. What the page shows is not looked at, and its script is not run.

    The bundle is the content of the element ``<script type="application/json" id="bundle">``: a JSON object with the
    path of each file and its content in base64. No text in it has blanks or ``<``, so whatever a program did to lines,
    or to the page around it, is undone.
    """
    if len(data) > _MOST_HTML:
        raise RefusedError(f"the HTML file is larger than {_MOST_HTML} bytes")
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff") and b"\0" in data.rstrip(b"\0"):
        raise RefusedError("the HTML file has zero bytes in it: ask for the bundle again, as a zip file")
    page = _as_written(data)[0]
    begin = _begin_of_bundle(page)
    end = page.find(b"<", begin)
    if end < 0 or not _END_OF_SCRIPT.match(page, end):
        raise RefusedError("the bundle in the HTML file was cut off or damaged: ask for it again, as a zip file")
    text = page[begin:end].translate(None, _SPACES)
    if text == b"null":
        raise RefusedError("the HTML file has no bundle in it: it is the page that 'lognotary prove' puts bundles in")
    try:
        packed = _parse_object(text.decode("ascii"), "the bundle in the HTML file")
        if not all(isinstance(content, str) for content in packed.values()):
            raise RefusedError("the bundle in the HTML file is not an object of texts in base64")
        files = {name: base64.b64decode(content, validate=True) for name, content in packed.items()}
    except ValueError as error:
        raise RefusedError(
            f"the bundle in the HTML file is damaged ({error}): ask for the bundle again, as a zip file"
        ) from error
    return _read_files(list(files), lambda name: io.BytesIO(files[name]))


def _begin_of_bundle(page: bytes) -> int:
    """Return where the content of the element with the bundle begins in a page.

    A browser must find the same element, or a page could show one record and prove another. So markup is permitted
    only if every browser reads it as this function does (HTML Standard, section 13.2).
    """
    found, at = [], 0
    if b"\x1b" in page:  # in ISO-2022-JP, what follows it is no ASCII
        raise _ambiguous("it has the control character ESC")
    while (at := page.find(b"<", at)) >= 0:
        markup = _MARKUP.match(page, at)
        if markup is None:
            raise _ambiguous(f"at byte {at}, there is neither a plain tag nor a plain comment")
        at, name = markup.end(), (markup[2] or b"").lower()
        if name in _HIDING:
            raise _ambiguous(f"it has an element '{name.decode()}'")
        if not name or markup[1]:
            continue
        identifier = _identifier(markup[3])
        if identifier == b"bundle" and name == b"script":
            found.append(at)
        elif b"&" in identifier or identifier.lower() == b"bundle":
            raise _ambiguous(f"an element '{name.decode()}' may have the ID of the bundle, too")
        if name in _TEXT_ONLY:
            at = _end_of_text(page, name, at)
    if not found:
        raise RefusedError(
            "the HTML file has no bundle in it: it is another page, or a program has removed the scripts from it; then "
            "ask for the bundle as a zip file"
        )
    if len(found) > 1:
        raise RefusedError("the HTML file has several bundles in it, and 'lognotary prove' writes one")
    return found[0]


def _identifier(attributes: bytes) -> bytes:
    """Return the value of the attribute ``id``; of several, the first counts."""
    values = (value for name, value in _ATTRIBUTES.findall(attributes) if name.lower() == b"id")
    value: bytes = next(values, b"")
    return value[1:-1] if value[:1] in (b'"', b"'") else value


def _end_of_text(page: bytes, name: bytes, begin: int) -> int:
    """Return where the content of an element ends that has text instead of other elements."""
    closing = re.compile(rb"</" + name + rb"[ \t\r\n\f/>]", re.IGNORECASE).search(page, begin)
    end = closing.start() if closing else len(page)
    content = page[begin:end].lower()
    if b"<!--" in content or (name != b"script" and b"<script" in content):
        raise _ambiguous(f"the element '{name.decode()}' has a comment or a script in it")
    return end


def _ambiguous(why: str) -> RefusedError:
    return RefusedError(
        f"the HTML file is ambiguous, as {why}: a browser might show another record than the one that is checked here. "
        "Ask for the bundle as a zip file"
    )


def _is_archive(ends: bytes) -> bool:
    """Return whether the last 42 bytes of a file are those of a zip file that can be read.

    The end record says how long the list of files is. zipfile would read one of any length.
    """
    return (
        ends[-22:-18] == b"PK\5\6" and ends[-42:-38] != b"PK\6\7" and int.from_bytes(ends[-10:-6], "little") <= 4 * _MIB
    )


def _read_zip(data: IO[bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(data) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]

        def open_entry(name: str) -> IO[bytes]:
            # Of other methods zipfile unpacks as much as there is, whatever it is asked for.
            if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise RefusedError("the zip file is compressed by another method than deflate")
            return archive.open(name)

        return _read_files([entry.filename for entry in entries], open_entry)


def _innermost(directory: Path) -> Path:
    """Return the directory that has the files: people unpack archives into a folder of the same name."""
    for _ in range(_MOST_FOLDERS):
        inside = [entry for entry in directory.iterdir() if not _ADDED.fullmatch(entry.name)]
        if len(inside) != 1 or not inside[0].is_dir():
            break
        directory = inside[0]
    folders = sorted(proof.parent for proof in directory.glob("*/record.tlog-proof"))
    if (directory / "record.tlog-proof").exists() or not folders:
        return directory
    if len(folders) > 1:
        raise RefusedError(f"there are several bundles: check one at a time: {', '.join(map(str, folders[:5]))}")
    return folders[0]


def _located(names: Sequence[str]) -> dict[str, str]:
    """Return the names of a bundle's files, without a folder around them all, and where each is."""
    found: dict[str, str] = {}
    for name in names:
        plain = name.replace("\\", "/").removeprefix("./")
        if plain in found:
            raise RefusedError(f"{plain!r} occurs twice")
        if not _ADDED.fullmatch(plain):
            found[plain] = name
    for _ in range(_MOST_FOLDERS):
        tops = {name.partition("/")[0] for name in found if "/" in name}
        if len(tops) != 1 or tops & {"", "..", "key-changes"} or not all("/" in name for name in found):
            break
        found = {name.partition("/")[2]: place for name, place in found.items()}
    folders = sorted(name.rpartition("/")[0] for name in found if name.endswith("/record.tlog-proof"))
    if "record.tlog-proof" not in found and len(folders) > 1:
        raise RefusedError(f"there are several bundles: unpack them, and check one at a time: {', '.join(folders[:5])}")
    return found


def _read_files(names: Sequence[str], open_file: Callable[[str], IO[bytes]]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    places = _located(names)
    if sum(map(bool, map(_KEY_CHANGE.fullmatch, places))) > 1000:
        raise RefusedError("there are more than 1000 key changes")
    for name in sorted(places):
        files[name] = b""
        if _is_checked(name):
            limit = _MIB >> 4 if _KEY_CHANGE.fullmatch(name) else _MIB
            if name in ("record.bin", _DISCLOSURES):
                limit = 128 * _MIB
            elif name == "record.json":
                limit = _MIB + 8 * len(files.get("record.bin", b""))  # a byte may be written as six characters
            files[name] = _read_file(open_file(places[name]), limit)
            if len(files[name]) > limit:
                raise RefusedError(f"{name} is larger than {limit} bytes")
    others = [name for name in files if not _is_checked(name)]
    if len(others) > _MOST_RENAMED:
        return files
    room = _MOST_RENAMED_BYTES
    for name in others:  # some of them may be files of the bundle under other names
        limit = room if "record.bin" not in files else min(room, _MIB)
        with contextlib.suppress(Exception):  # of many kinds; what cannot be read is none of the bundle's files
            content = _read_file(open_file(places[name]), limit)
            if len(content) <= limit:
                files[name] = content
                room -= len(content)
    return files


def _is_checked(name: str) -> bool:
    return name in (*_FILES, _DISCLOSURES) or _KEY_CHANGE.fullmatch(name) is not None


def _read_file(opened: IO[bytes], limit: int) -> bytes:
    with opened:
        return opened.read(limit + 1)


def as_made(files: Mapping[str, bytes]) -> tuple[dict[str, bytes], list[str]]:
    """Undo what programs do to files in transit; return the files as they were made, and what was undone.

    Text files that have a byte order mark, are in UTF-16 or have CRLF in every line are converted back. Files with
    other names are recognised by their content. This requires no trust: the result is checked like any other bundle.
    """
    made, undone = dict(files), list[str]()
    for name in files:
        if _is_checked(name) and name != "record.bin":
            made[name], what = _as_written(files[name])
            undone += [f"{name} {what}"] if what else []
    kinds = {name: _kind_of(content) for name, content in files.items() if content and not _is_checked(name)}
    for kind in (*_FILES[1:], _DISCLOSURES):
        if kind not in made and (found := [name for name, is_of in kinds.items() if is_of == kind]):
            _take(made, undone, kind, found)
            made[kind] = _as_written(made[kind])[0]
    if not any(map(_KEY_CHANGE.fullmatch, made)):
        _take_key_changes(made, undone, sorted(name for name, is_of in kinds.items() if is_of == "key-changes"))
    _find_record(made, undone, [name for name, kind in kinds.items() if not kind])
    return made, undone


def _take(made: dict[str, bytes], undone: list[str], kind: str, found: Sequence[str]) -> None:
    if len({made[name] for name in found}) > 1:
        raise RefusedError(f"{kind} is missing, and may be {' or '.join(found)}: leave only one of them")
    made[kind] = made.pop(found[0])
    undone.append(f"{found[0]} is {kind} under another name")


def _take_key_changes(made: dict[str, bytes], undone: list[str], found: Sequence[str]) -> None:
    """Take the key changes of the bundle's log, in the order of their numbers."""
    origin = made.get("checkpoint", b"").partition(b"\n")[0]
    notes = {name: _as_written(made[name])[0] for name in found}
    own = [name for name, note in notes.items() if note.partition(b"\n")[0] == origin]
    own.sort(key=lambda name: _parse_key_change(notes[name].decode(), name).number)
    for number, name in enumerate(own, 1):
        del made[name]
        made[f"key-changes/{number:04}"] = notes[name]
    undone += [f"{' and '.join(own)} are key changes under other names"] if own else []


def _find_record(made: dict[str, bytes], undone: list[str], others: Sequence[str]) -> None:
    """Find the record that the proof is about, if record.bin is missing or looks as if a program changed it."""
    originals = _originals(made["record.bin"]) if "record.bin" in made else {"": b""}
    if not originals:
        return
    try:
        evidence = parse({"record.bin": b"", **made}, [], [])
    except RefusedError:
        return
    if "record.bin" not in made:
        if found := [name for name in others if _is_record(evidence, made[name])]:
            _take(made, undone, "record.bin", found)
        return
    for what, original in {"": made["record.bin"], **originals}.items():
        if _is_record(evidence, original):
            made["record.bin"] = original
            undone += [what] if what else []
            return


def _originals(record: bytes) -> dict[str, bytes]:
    """Return what record.bin may have been, by what a program may have done to it."""
    found = {}
    if b"\r\n" in record:
        found["record.bin has CRLF where it had line feeds"] = record.replace(b"\r\n", b"\n")
    if len(record) <= _MOST_RENAMED_BYTES and _BASE64_TEXT.fullmatch(record):
        with contextlib.suppress(ValueError):
            found["record.bin was saved in base64"] = base64.b64decode(record)
    return found


def _is_record(evidence: Evidence, record: bytes) -> bool:
    try:
        check_inclusion(replace(evidence, record=record))
    except RefusedError:
        return False
    return True


def _as_written(content: bytes) -> tuple[bytes, str]:
    """Return a text file as it was written, and what was done to it since; empty if nothing was."""
    undone = []
    text = content.removeprefix(b"\xef\xbb\xbf")
    if text != content:
        undone.append("has a byte order mark")
    if encoding := _utf_16(text):
        try:
            text = text.decode(encoding).encode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            return content, ""
        undone.append("was saved as UTF-16")
    lines = text.count(b"\n")
    if lines and text.count(b"\r\n") == lines:
        text = text.replace(b"\r\n", b"\n")
        undone.append("has CRLF at the ends of its lines")
    if text[:1] != b"{" and (trimmed := re.sub(rb"(?<![ \t])[ \t]+(?=\n|\Z)", b"", text)) != text:
        text = trimmed
        undone.append("has blanks at the ends of its lines")
    if text[:1] not in (b"", b"{") and (ended := text.rstrip(b"\n") + b"\n") != text:
        text = ended
        undone.append("ends with more or fewer line ends")
    return text, " and ".join(undone)


def _utf_16(begins: bytes) -> str:
    """Return the encoding of a text that begins like this, if it is UTF-16; texts here begin with ASCII."""
    if begins[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    zeros = [byte == 0 for byte in begins[:4]]
    return "utf-16-le" if zeros == [False, True] * 2 else "utf-16-be" if zeros == [True, False] * 2 else ""


def _kind_of(content: bytes) -> str:
    """Return the name that a text file has in a bundle; ``key-changes`` for a key change; empty for other files."""
    if len(content) > _MIB:
        return ""
    try:
        text = _as_written(content)[0].decode()
    except UnicodeDecodeError:
        return ""
    if _PROOF.fullmatch(text):
        return "record.tlog-proof"
    if note := _NOTE.fullmatch(text):
        return "key-changes" if _STATEMENT.fullmatch(note["extension"]) else "checkpoint"
    try:
        parsed = _parse_json(text)
    except RefusedError:
        return ""
    return "record.json" if "CanonicalVersion" in parsed else _DISCLOSURES if "disclosures" in parsed else ""


def parse(files: Mapping[str, bytes], keys: Iterable[Key], witnesses: Iterable[Key]) -> Evidence:
    """Parse the files that are checked. Of the keys, only those of the log are kept."""
    if missing := [name for name in _FILES if name not in files]:
        raise RefusedError(f"missing: {', '.join(missing)}")
    names = sorted(name for name in files if _KEY_CHANGE.fullmatch(name))
    if names != [f"key-changes/{number:04}" for number in range(1, len(names) + 1)]:
        raise RefusedError("the files in key-changes are not numbered from 0001 on")
    proof = _PROOF.fullmatch(_text(files, "record.tlog-proof"))
    if proof is None:
        raise RefusedError(f"record.tlog-proof is not a c2sp.org/tlog-proof@v1{_damage(files['record.tlog-proof'])}")
    checkpoint = _parse_checkpoint(_text(files, "checkpoint"), "checkpoint", _damage(files["checkpoint"]))
    origin = checkpoint.origin
    return Evidence(
        files["record.bin"],
        _parse_json(_text(files, "record.json")),
        int(proof[1]),
        tuple(base64.b64decode(line) for line in proof[2].split()),
        _parse_checkpoint(proof[3], "record.tlog-proof"),
        checkpoint,
        tuple(_parse_key_change(_text(files, name), name) for name in names),
        tuple(replace(key, name=origin) for key in keys if key.name in ("", origin)),
        tuple(witnesses),
        files.get(_DISCLOSURES),
    )


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{name} is not UTF-8") from error


def _text_damage(record: bytes) -> str:
    """Return words for what a program that takes a record for a text may have done to it; empty if it has no signs."""
    if b"\r\n" not in record and b"\xef\xbf\xbd" not in record:
        return ""
    return (
        ": record.bin is not what was signed, or a program took it for a text (it has CRLF, or characters that stand "
        "for unreadable bytes): then ask for the bundle again, as a zip file"
    )


def _damage(content: bytes) -> str:
    """Return words for the damage that programs do to text files, to follow a message; empty if there is none."""
    again = "ask for the bundle again, as a zip file"
    if not content:
        return ": it is empty"
    if b"\r" in content:
        return f": it has carriage returns, so a program has changed its lines; {again}"
    if b"\xef\xbf\xbd" in content:
        return f": a program has replaced bytes that it could not read; {again}"
    return ""


def _parse_json(text: str) -> dict[str, Any]:
    return _parse_object(text, "record.json")


def _parse_object(text: str, what: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name occurs twice")
        return dict(pairs)

    try:
        parsed = json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"{what} cannot be read: {error}") from error
    if not isinstance(parsed, dict):
        raise RefusedError(f"{what} is not a JSON object")
    return parsed


def _parse_checkpoint(note: str, where: str, damage: str = "") -> Checkpoint:
    """Parse a signed checkpoint (C2SP signed-note, tlog-checkpoint)."""
    match = _NOTE.fullmatch(note)
    if match is None:
        raise RefusedError(f"{where} is not a signed checkpoint{damage}")
    signatures = []
    for line in match["signatures"].splitlines():
        _, name, encoded = line.split(" ")
        signature = _base64(encoded, f"a signature in {where}")
        signatures.append((name, signature[:4], signature[4:]))
    size, root = int(match["size"]), base64.b64decode(match["root"])
    return Checkpoint(match["text"], tuple(dict.fromkeys(signatures)), match["origin"], size, root, match["extension"])


def _parse_key_change(note: str, where: str) -> KeyChange:
    checkpoint = _parse_checkpoint(note, where)
    match = _STATEMENT.fullmatch(checkpoint.extension)
    if match is None:
        raise RefusedError(f"{where} is not a statement 'lognotary/v1 NUMBER TIME keys KEY... after KEY...'")
    after, _, before = match[2].partition(" after ")
    named = tuple(tuple(parse_key(word) for word in side.split(" ", 1)) for side in (before, after))
    if any(key.name != checkpoint.origin or key.key_type == COSIGNATURE for side in named for key in side):
        raise RefusedError(f"{where} names keys of another log or of a witness")
    return KeyChange(checkpoint, int(match[1]), *named)


def parse_key(text: str) -> Key:
    """Parse a verifier key, ``<name>+<8 hex digits of key ID>+<base64(type || public key)>`` (C2SP signed-note)."""
    match = _VERIFIER_KEY.fullmatch(text)
    if match is None:
        raise RefusedError(f"not a key, which looks like name+1234abcd+AbcD...: {text[:60]!r}")
    material = _base64(match[3], "a key")
    if _KEY_SIZES.get(material[0]) != len(material) - 1:
        raise RefusedError(f"the key {text[:60]!r} is not Ed25519 or ML-DSA-44, or has another size than those")
    key = Key(match[1], material[0], material[1:])
    if key.key_id.hex() != match[2]:
        raise RefusedError(f"the key ID is {key.key_id.hex()} and not {match[2]}: mistyped, or altered")
    return key


def _base64(text: str, what: str) -> bytes:
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise RefusedError(f"{what} is not base64") from error
    if not decoded or base64.b64encode(decoded).decode() != text:
        raise RefusedError(f"{what} is not canonical base64 (RFC 4648, section 3.5)")
    return decoded


# ---- 2. inclusion: the proof leads from the record's entry to the root hash -------------------------------


def entry_of(record: bytes) -> bytes:
    """Return what the log holds of a record: its SHA-256."""
    return sha256(record).digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash an entry: HASH(0x00 || entry) (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees: HASH(0x01 || left || right) (RFC 9162, section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def root_from_path(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Compute the root hash from a leaf and its inclusion path; names and order are of RFC 9162, section 2.1.3.2."""
    if index >= size:
        raise RefusedError(f"there is no entry {index} in a log of {size}")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise RefusedError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise RefusedError("the inclusion proof is too short")
    return r


def check_inclusion(evidence: Evidence) -> str:
    """Check that the proof leads from the record to the checkpoint's root hash."""
    index, size, entry = evidence.index, evidence.checkpoint.size, entry_of(evidence.record)
    if root_from_path(index, size, leaf_hash(entry), evidence.path) != evidence.checkpoint.root:
        raise RefusedError(
            "the inclusion proof does not lead from the record to the checkpoint's root hash"
            + _text_damage(evidence.record)
        )
    return f"the record, SHA-256 {entry.hex()}, is entry {index} of the {size} under the checkpoint's root hash"


# ---- 3. checkpoint: the proof is for it -------------------------------------------------------------------


def check_proof_is_of_checkpoint(evidence: Evidence) -> str:
    """Check that the proof is for the checkpoint. That may have signatures more, of witnesses that came later."""
    proved, checkpoint = evidence.proved, evidence.checkpoint
    if proved.text != checkpoint.text or not set(proved.signatures) <= set(checkpoint.signatures):
        raise RefusedError("record.tlog-proof has another checkpoint than the file checkpoint")
    return "the proof is for the checkpoint"


# ---- Signatures of a key, which the next steps need -------------------------------------------------------


def signed_by(checkpoint: Checkpoint, key: Key) -> int | None:
    """Check a key's signatures. Return the time of the last, 0 if it has none; None if there is no signature."""
    time, known = None, (key.name, key.key_id)
    for name, key_id, signature in checkpoint.signatures:
        if (name, key_id) == known:
            try:
                time = _verify(checkpoint, key, signature)
            except (InvalidSignature, ValueError) as error:
                raise RefusedError(f"the signature of {key} is wrong") from error
            except (ImportError, UnsupportedAlgorithm) as error:
                raise RefusedError(f"{key}: the installed cryptography cannot check ML-DSA-44") from error
    return time


def _verify(checkpoint: Checkpoint, key: Key, signature: bytes) -> int:
    text = checkpoint.text.encode()
    if key.key_type == ED25519:  # C2SP signed-note
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
        return 0
    time, signature = int.from_bytes(signature[:8], "big"), signature[8:]  # C2SP tlog-cosignature
    if time >= 1 << 63:
        raise ValueError("its time is out of range")
    if key.key_type == COSIGNATURE:
        message = b"cosignature/v1\ntime %d\n" % time + text
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
        return time
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # not in older ones

    cosigner, origin = key.name.encode(), checkpoint.origin.encode()
    message = b"subtree/v1\n\0" + bytes((len(cosigner),)) + cosigner + time.to_bytes(8, "big")
    message += bytes((len(origin),)) + origin + bytes(8) + checkpoint.size.to_bytes(8, "big") + checkpoint.root
    MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
    return time


# ---- 4. key changes: which keys are in force at which size ------------------------------------------------


def follow_keys(evidence: Evidence) -> list[tuple[tuple[Key, ...], int, int]]:
    """Check the key changes; return the keys, and from which to which size of the log they sign.

    Each change is signed by the Ed25519 keys before it and after it. So to believe one key is to believe all. At
    the size of a change both sign: the log may have had that size before it and after it.
    """
    changes = evidence.changes
    roots = {evidence.checkpoint.size: evidence.checkpoint.root}
    for change, following in zip(changes, [*changes[1:], None], strict=True):
        checkpoint, what = change.checkpoint, f"change {change.number} of the keys"
        if checkpoint.origin != evidence.checkpoint.origin:
            raise RefusedError(f"{what} is of another log")
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            raise RefusedError(f"{what} has another root hash for {checkpoint.size} entries: the log was forked")
        for side in (change.before, change.after):
            signing = [key for key in side if key.key_type == ED25519]  # ML-DSA-44 does not sign extension lines
            if not signing or any(signed_by(checkpoint, key) is None for key in signing):
                raise RefusedError(f"{what} is not signed by both the key before it and the key after it")
        if following is None:
            continue
        if following.number <= change.number or following.checkpoint.size < checkpoint.size:
            raise RefusedError(f"change {following.number} of the keys cannot follow {what}")
        if set(following.before) != set(change.after):
            raise RefusedError(f"change {following.number} of the keys does not go on from {what}")
    sides = [changes[0].before, *(change.after for change in changes)]
    sizes = [change.checkpoint.size for change in changes]
    spans = list(zip(sides, [0, *sizes], [*sizes, 1 << 63], strict=True))
    if not {key for keys, _, _ in spans for key in keys if key.key_type == ED25519} & set(evidence.keys):
        raise RefusedError("no key that was given is one of those that the key changes lead from or to")
    return spans


def check_key_changes(evidence: Evidence) -> str:
    """Check the key changes, where there are some."""
    if not evidence.changes:
        return "there are none"
    follow_keys(evidence)
    return f"there are {len(evidence.changes)}, each signed by the key before it and the key after it"


# ---- 5. signature: the keys in force signed the checkpoint ------------------------------------------------


def check_signatures(evidence: Evidence) -> str:
    """Check that the checkpoint is signed by the keys in force at its size.

    Where ML-DSA-44 keys were given, one of them has to be among those.
    """
    checkpoint, given = evidence.checkpoint, set(evidence.keys)
    if not given:
        raise RefusedError(f"no key that was given is one of the log {checkpoint.origin}")
    signers = {key for key in given if signed_by(checkpoint, key) is not None}
    needed = {key.key_type for key in given}
    if evidence.changes:
        spans = [keys for keys, first, last in follow_keys(evidence) if first <= checkpoint.size <= last]
        signed = [keys for keys in spans if all(signed_by(checkpoint, key) is not None for key in keys)]
        if not signed:
            in_force = " or ".join(" and ".join(map(str, keys)) for keys in spans)
            raise RefusedError(f"it is not signed by what is in force at {checkpoint.size} entries: {in_force}")
        signers = set(signed[0])
        needed &= {ML_DSA_44}
    for kind in sorted(needed - {key.key_type for key in signers & given}):
        by = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in checkpoint.signatures)
        raise RefusedError(
            f"the {_KEY_NAMES[kind]} key that was given did not sign the checkpoint, but {by}: give the key that was "
            "in force then"
        )
    return f"the checkpoint is signed by {' and '.join(sorted(map(str, signers)))}"


# ---- 6. record.json: the readable text says what the record says ------------------------------------------

# Version -> columns of every log record, and those that only audit records have.
_COLUMNS = {
    1: (
        """
        Timestamp:time TraceId SpanId TraceFlags:1 SeverityText SeverityNumber:1 ServiceName Body ResourceSchemaUrl
        ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion ScopeAttributes:map LogAttributes:map EventName
        ObservedTimestamp:time Flags:4 DroppedAttributesCount:4 OtlpDetails IngestedAt:time
        """,
        """
        AuditRecordId ActorId ActorType Action TargetId TargetType SourceId SourceType Outcome Category AuditRule
        """,
    ),
    2: (
        """
        Tenant Sender ServiceName ResourceSchemaUrl ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion
        ScopeAttributes:map Timestamp:time TraceId SpanId TraceFlags:1 SeverityText SeverityNumber:1 Body
        LogAttributes:map EventName ObservedTimestamp:time Flags:4 DroppedAttributesCount:4 OtlpDetails
        IngestedAt:time Redactions
        """,
        """
        AuditRecordId ActorId ActorName ActorType EffectiveActorId SessionId Action TargetId TargetType SourceId
        SourceType SourceHost Outcome Category AuditRule Description
        """,
    ),
}
# Version -> columns of spans, which exist since version 2. What ends with [] is an array.
_SPAN_COLUMNS = {
    2: """
    Tenant Sender ServiceName ResourceSchemaUrl ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion
    ScopeAttributes:map Timestamp:time TraceId SpanId ParentSpanId TraceState SpanName SpanKind SpanAttributes:map
    Duration:8 StatusCode StatusMessage Events.Timestamp:time[] Events.Name:[] Events.Attributes:map[] Links.TraceId:[]
    Links.SpanId:[] Links.TraceState:[] Links.Attributes:map[] Flags:4 DroppedAttributesCount:4 DroppedEventsCount:4
    DroppedLinksCount:4 OtlpDetails IngestedAt:time Redactions
    """
}
_STREAMS = ("audit", "operational", "spans")
_MARK = 8  # bytes


def stream_of(origin: str) -> str:
    """Return the stream of a log, <deployment>/<stream>/<writer>; an access log has audit records of who looked."""
    word = origin.split("/")[-2:][0]
    return "audit" if word == "access" else word


def version_of(record: bytes) -> int:
    """Return the version of a canonical record.

    From version 2 on it begins with a mark, the negative of the version, as a signed number of 8 bytes. Version 1
    begins with a time, which is never negative.
    """
    if len(record) < _MARK:
        raise RefusedError("record.bin ends too early")
    first = int.from_bytes(record[:_MARK], "little", signed=True)
    version = 1 if first >= 0 else -first
    if first == -1 or version not in _COLUMNS:
        known = " and ".join(map(str, _COLUMNS))
        raise RefusedError(
            f"record.bin begins with the mark {first}, of another version of the canonical record than this check.py "
            f"knows ({known}): use the check.py of a newer Lognotary"
        )
    return version


def columns_of(stream: str, version: int) -> list[str]:
    """Return the columns of the records of a stream, each with its kind."""
    if stream == "spans":
        if version not in _SPAN_COLUMNS:
            raise RefusedError(f"record.bin has version {version} of the canonical record, which no span has")
        return _SPAN_COLUMNS[version].split()
    every, audit = _COLUMNS[version]
    return (every + (audit if stream == "audit" else "")).split()


def read_record(record: bytes, stream: str) -> dict[str, Any]:
    """Read a canonical record: columns as ClickHouse's RowBinary format writes them, in the order of its version."""
    version = version_of(record)
    data = io.BytesIO(record)
    data.seek(0 if version == 1 else _MARK)

    def take(count: int) -> bytes:
        taken = data.read(min(count, len(record)))
        if len(taken) != count:
            raise RefusedError("record.bin ends too early")
        return taken

    def length() -> int:  # unsigned LEB128
        value = 0
        for shift in range(0, 70, 7):
            byte = take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise RefusedError("record.bin has a length of more than 10 bytes")

    def text() -> str | dict[str, str]:
        return readable_text(take(length()))

    def pairs() -> Any:
        found = [(text(), text()) for _ in range(length())]
        by_key = {key: value for key, value in found if isinstance(key, str)}
        return by_key if len(by_key) == len(found) else [list(pair) for pair in found]

    def time() -> dict[str, Any]:
        nanos = int.from_bytes(take(8), "little", signed=True)
        return {"time": time_text(*divmod(nanos, 10**9)), "unix_nanos": nanos}

    readers: dict[str, Callable[[], Any]] = {"": text, "map": pairs, "time": time}

    def value(kind: str) -> Any:
        if kind.endswith("[]"):
            return [value(kind[:-2]) for _ in range(length())]
        return int.from_bytes(take(int(kind)), "little") if kind.isdigit() else readers[kind]()

    values = {}
    for column in columns_of(stream, version):
        name, _, kind = column.partition(":")
        values[name] = value(kind)
    if data.read(1):
        raise RefusedError("record.bin goes on after its last column")
    return values


def readable_text(raw: bytes) -> str | dict[str, str]:
    """Return a text as JSON values have it: if it is not UTF-8, in base64."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode()}


def time_text(seconds: int, nanos: int = 0) -> str:
    """Write a time by RFC 3339, with nanoseconds."""
    try:
        return f"{datetime(1970, 1, 1) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{nanos:09}Z"
    except OverflowError:  # beyond the year 9999, which only a cosignature can name
        return f"{seconds} seconds after 1970"


def readable(evidence: Evidence) -> dict[str, Any]:
    """Return what record.json has to say."""
    origin = evidence.checkpoint.origin
    stream = stream_of(origin)
    if stream not in _STREAMS:
        raise RefusedError(f"the name of the log {origin} does not say which columns its records have")
    entry = entry_of(evidence.record).hex()
    place = {"Origin": origin, "LeafIndex": evidence.index, "CanonicalVersion": version_of(evidence.record)}
    return {**place, "Entry": entry, **read_record(evidence.record, stream)}


def check_readable(evidence: Evidence) -> str:
    """Compare record.json with the record."""
    claims, truth = evidence.claims, readable(evidence)
    for name in {**truth, **claims}:
        if name not in truth or name not in claims:
            raise RefusedError(f"{name!r} is in only one of record.json and record.bin")
        # As JSON, for in Python true is 1 and 1 is 1.0.
        said, is_so = (json.dumps(fields[name], sort_keys=True) for fields in (claims, truth))
        if said != is_so:
            raise RefusedError(f"record.json says {name} is {said[:200]}, record.bin says {is_so[:200]}")
    return "record.json says what record.bin says"


# ---- 7. witnesses: their cosignatures ---------------------------------------------------------------------


_NO_WITNESS = "no witness was given"


def check_witnesses(evidence: Evidence) -> str:
    """Check that every witness that was given cosigned the checkpoint, and say when."""
    cosigned = []
    for witness in evidence.witnesses:
        time = signed_by(evidence.checkpoint, witness)
        if time is None:
            raise RefusedError(f"it is not cosigned by {witness}")
        cosigned.append(f"cosigned by {witness}" + (f" at {time_text(time)}" if time else ""))
    return ", ".join(cosigned) or _NO_WITNESS


# ---- 8. disclosures: values that the record has commitments to ---------------------------------------------

_MARK_OF_VALUE = re.compile(r"\[redacted:([a-z0-9_.]+):sha256:([0-9a-f]{64})\]")
# Values that are bytes are stored as base64, which has at least so many characters if there is a commitment in it.
_BASE64_RUN = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{96,}={0,2}")
_DISCLOSURES_FORMAT = "lognotary/disclosures/v1"
_DISCLOSURE = {"commitment", "rule", "salt", "value"}
_SALT = 32  # bytes; were it any number, bytes could be moved from the value to the salt
_NO_COMMITMENT = "the record has no commitments to values"


def marks_of(record: Any) -> set[tuple[str, str]]:
    """Return the marks that stand for values in a record, as ``readable`` returns it: each rule with its commitment."""
    found = set()
    for text in _texts_in(record):
        found |= set(_MARK_OF_VALUE.findall(text))
        for run in _BASE64_RUN.findall(text):
            if len(run) % 4 == 0:
                found |= set(_MARK_OF_VALUE.findall(base64.b64decode(run).decode("latin-1")))
    return found


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(each)


def commitments_of(record: dict[str, Any]) -> set[str]:
    """Return the commitments that the server has made in a record.

    The record lists them in OtlpDetails, which no sender writes. A mark with another commitment was written by the
    sender, such as a copy of a mark in another record.
    """
    try:
        return set(json.loads(record["OtlpDetails"] or "{}").get("commitments", ()))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return set()  # no server writes such details


def disclosed(evidence: Evidence) -> dict[str, str | dict[str, str]]:
    """Return the opened values, by what stands for them in the record. One that is not UTF-8 is in base64."""
    if evidence.disclosures is None:
        return {}
    record, opened = readable(evidence), dict[str, str | dict[str, str]]()
    marks, made = marks_of(record), commitments_of(record)
    for number, given in enumerate(_parse_disclosures(evidence.disclosures, len(marks)), 1):
        where = f"value {number} in {_DISCLOSURES}"
        if not isinstance(given, dict) or set(given) != _DISCLOSURE or not all(map(_is_str, given.values())):
            raise RefusedError(f"{where} does not have exactly the texts {', '.join(sorted(_DISCLOSURE))}")
        commitment, rule = given["commitment"], given["rule"]
        if (rule, commitment) not in marks:
            raise RefusedError(f"{where}: the record has no commitment {commitment[:64]} by the rule {rule[:64]}")
        if commitment not in made:
            raise RefusedError(
                f"{where}: the record does not list {commitment} among the commitments that the server has made in it: "
                "the sender of the record wrote it, and nothing ties the value to the record"
            )
        mark = f"[redacted:{rule}:sha256:{commitment}]"
        if mark in opened:
            raise RefusedError(f"{where}: the commitment {commitment} is there twice")
        salt = _base64(given["salt"], f"the salt of {where}")
        value = _base64(given["value"], f"{where}") if given["value"] else b""
        if len(salt) != _SALT:
            raise RefusedError(f"{where}: its salt has {len(salt)} bytes instead of {_SALT}")
        if sha256(salt + value).hexdigest() != commitment:
            raise RefusedError(f"{where}: SHA-256 of its salt and value is not the commitment {commitment}")
        opened[mark] = readable_text(value)
    return opened


def _parse_disclosures(content: bytes, commitments: int) -> list[Any]:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{_DISCLOSURES} is not UTF-8") from error
    if text.count("{") + text.count("[") > 1000 + 10 * commitments:  # before they take much memory
        raise RefusedError(f"{_DISCLOSURES} has more than values of the record's {commitments} commitments")
    parsed = _parse_object(text, _DISCLOSURES)
    if parsed.get("format") != _DISCLOSURES_FORMAT:
        raise RefusedError(
            f"{_DISCLOSURES} does not have the format {_DISCLOSURES_FORMAT}, which this check.py knows: use the "
            "check.py of a newer Lognotary"
        )
    given = parsed.get("disclosures")
    if set(parsed) != {"format", "disclosures"} or not isinstance(given, list):
        raise RefusedError(f"{_DISCLOSURES} does not have exactly its format and a list of disclosures")
    return given


def _is_str(value: object) -> bool:
    return isinstance(value, str)


def check_disclosures(evidence: Evidence) -> str:
    """Check that the record has a commitment to each value that is open, and count those that are closed."""
    is_open, record = disclosed(evidence), readable(evidence)
    marks, made = marks_of(record), commitments_of(record)
    others = sum(commitment not in made for _, commitment in marks)
    closed = len(marks) - others - len(is_open)
    senders = f"; its sender wrote {_counted(others, 'text')} like a commitment, which opens nothing" if others else ""
    if not is_open and not closed:
        return _NO_COMMITMENT + senders
    return (
        f"of the values that the record has commitments to, {len(is_open)} {'is' if len(is_open) == 1 else 'are'} open "
        f"and {'has its commitment' if len(is_open) == 1 else 'have their commitments'}, and {closed} "
        f"{'remains' if closed == 1 else 'remain'} closed{senders}"
    )


# ---- The steps in order, and what follows from them -------------------------------------------------------

_STEPS: tuple[tuple[str, Callable[[Evidence], str]], ...] = (
    ("inclusion", check_inclusion),
    ("checkpoint", check_proof_is_of_checkpoint),
    ("key changes", check_key_changes),
    ("signature", check_signatures),
    ("record.json", check_readable),
    ("witnesses", check_witnesses),
    ("disclosures", check_disclosures),
)
_TIMESTAMP = (
    "timestamp.tsr, an RFC 3161 time stamp; check it with: head -n 3 checkpoint > checkpoint.txt && "
    "openssl ts -verify -data checkpoint.txt -in timestamp.tsr -CAfile CERTIFICATES-OF-THE-AUTHORITY"
)
_NOT_PROVED = """
Not proved: that what the record says is true, or its times, which are the sender's and the server's; that nobody
else had the key; that the log shows everybody the same history, unless a witness that you trust cosigned it."""


@dataclass(frozen=True, slots=True)
class Step:
    """Result of one check: its name, whether it holds, and an explanation."""

    name: str
    holds: bool
    says: str


@dataclass(frozen=True, slots=True)
class Report:
    """The steps that were taken, what is proved if all of them hold, and what nobody checked."""

    steps: tuple[Step, ...]
    proved: dict[str, Any] | None = None
    not_checked: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """True if the evidence holds."""
        return self.proved is not None


def _take_step(step: Callable[[Evidence], str], evidence: Evidence, *, is_proved: bool) -> str:
    if step is check_readable and len(evidence.record) > _MIB and not is_proved:
        raise RefusedError("it is not read, because record.bin is large and is not proved")
    size = len(evidence.record) + len(evidence.disclosures or b"")
    if step is check_disclosures and size > _MIB and not is_proved:
        raise RefusedError("they are not read, because they are large with their record, which is not proved")
    return step(evidence)


def check(files: Mapping[str, bytes], keys: Iterable[Key], witnesses: Iterable[Key] = ()) -> Report:
    """Check a bundle. Once it is parsed every step is taken, also after one that fails; this raises nothing.

    Args:
        files: the bundle's files, as ``read_bundle`` returns them.
        keys: the log's keys that are believed.
        witnesses: keys that have to have cosigned the checkpoint.
    """
    try:
        files, undone = as_made(files)
        evidence = parse(files, keys, witnesses)
    except RefusedError as error:
        return Report((Step("files", False, str(error)),))
    handled = f"; programs have changed them in transit, which is undone: {', '.join(undone)}" if undone else ""
    steps = [Step("files", True, f"all files are present and well-formed{handled}")]
    for name, step in _STEPS:
        try:
            steps.append(Step(name, True, _take_step(step, evidence, is_proved=all(taken.holds for taken in steps))))
        except RefusedError as error:
            steps.append(Step(name, False, str(error)))
    checkpoint = evidence.checkpoint
    known = {(key.name, key.key_id) for key in (*evidence.keys, *evidence.witnesses)}
    known |= {(key.name, key.key_id) for change in evidence.changes for key in change.before + change.after}
    unknown = sorted(name for name in files if not _is_checked(name))
    proved = None
    if all(step.holds for step in steps):
        proved = {"TreeSize": checkpoint.size, "RootHash": checkpoint.root.hex(), **readable(evidence)}
        proved |= {"Disclosed": opened} if (opened := disclosed(evidence)) else {}
    not_checked = [_TIMESTAMP if name == "timestamp.tsr" else name for name in unknown]
    not_checked += [f"a signature by {n}+{i.hex()}" for n, i, _ in checkpoint.signatures if (n, i) not in known]
    return Report(tuple(steps), proved, tuple(not_checked))


# ---- Exports: a file, and the manifest that the server signed ---------------------------------------------

_MANIFEST = re.compile(rf"(lognotary/export/v1\n([^\x00-\x1f]+)\n)\n((?:— {_NAME} [A-Za-z0-9+/=]+\n){{1,64}})")
_EXPORT_KEY = "lognotary/export"
_HEX = re.compile(r"[0-9a-f]{64}")
_ROWS = ("ndjson", "csv", "ocsf")  # formats whose rows are read
_NO_ROWS = "they are not read in files of this format: the file's SHA-256 covers them"
_NONE_SIGNED = "none is signed by a key that was given"
_APOSTROPHE = re.compile(r"(\A|[;\t\r\n])'")  # of CSV: at the beginning of a cell, and after separators in it
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest of an export. ``text`` is what is signed, ``said`` the JSON object in it."""

    text: str
    signatures: tuple[tuple[str, bytes, bytes], ...]
    said: dict[str, Any]


def parse_manifest(note: bytes) -> Manifest:
    """Parse a manifest: a signed note of two lines, of which the second one is a JSON object."""
    try:
        match = _MANIFEST.fullmatch(_as_written(note)[0].decode())
    except UnicodeDecodeError as error:
        raise RefusedError("the manifest is not UTF-8") from error
    if match is None:
        raise RefusedError(
            "the manifest is not a signed note lognotary/export/v1: the file comes first, then its manifest"
        )
    signatures = []
    for line in match[3].splitlines():
        _, name, encoded = line.split(" ")
        signature = _base64(encoded, "a signature of the manifest")
        signatures.append((name, signature[:4], signature[4:]))
    said = _parse_object(match[2], "the manifest")
    numbers, logs = [said.get("Records"), said.get("Size")], said.get("Logs")
    if not isinstance(logs, list) or not all(isinstance(log, dict) for log in logs):
        raise RefusedError("the manifest does not say of which logs the file is")
    numbers += [log.get(name) for log in logs for name in ("Records", "FirstLeaf", "EndLeaf")]
    texts = [said.get("Format"), *(log.get(name) for log in logs for name in ("Origin", "Checkpoint"))]
    if any(type(number) is not int for number in numbers) or not all(isinstance(text, str) for text in texts):
        raise RefusedError("the manifest lacks a number or a text")
    if not all(_HEX.fullmatch(str(said.get(name))) for name in ("SHA256", "EntriesRoot")):
        raise RefusedError("the manifest lacks a hash")
    return Manifest(match[1], tuple(signatures), said)


def check_manifest_signature(manifest: Manifest, keys: Sequence[Key]) -> str:
    """Check that one of the keys signed the manifest; its name as a signer is ``lognotary/export``."""
    for key in (replace(key, name=_EXPORT_KEY) for key in keys if key.key_type == ED25519):
        for name, key_id, signature in manifest.signatures:
            if (name, key_id) == (key.name, key.key_id):
                try:
                    Ed25519PublicKey.from_public_bytes(key.public).verify(signature, manifest.text.encode())
                except (InvalidSignature, ValueError) as error:
                    raise RefusedError(f"the signature of {key} is wrong") from error
                return f"the manifest is signed by {key}"
    by = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in manifest.signatures)
    raise RefusedError(f"the manifest is signed by no key that was given, but by {by}")


def check_file(manifest: Manifest, file: IO[bytes]) -> str:
    """Check that the file has the size and the SHA-256 of the manifest."""
    size, digest = _measured(file)
    if (size, digest) != (manifest.said["Size"], manifest.said["SHA256"]):
        file.seek(0)
        begins = file.read(4)
        hint = "If a spreadsheet has saved it, check the file that was exported"
        if begins == _ZIP or begins[:2] in _OTHER_ARCHIVES:
            hint = "It is an archive or a compressed file: unpack it, and check the file in it"
        raise RefusedError(f"the file is another one: it has {size} bytes, and the SHA-256 {digest}. {hint}")
    return f"the file has the {size} bytes of the manifest, SHA-256 {digest}"


def _measured(file: IO[bytes]) -> tuple[int, str]:
    digest, size = sha256(), 0
    while piece := file.read(_MIB):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


# Ends of lines outside and inside of quotes to try, those of each line at first: of records in CSV, and in their texts.
# None leaves them as they are, and one text alone stands for each CRLF, which a program may have written for each \n.
_ENDS = (None, ("\n", "\n"), ("\r\n", "\n"), ("\r\n", "\r\n"), "\n")
_DAMAGED = (UnicodeError, EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, RuntimeError)
_RESAVED = "a program has changed its line endings or its encoding"


def _as_exported(manifest: Manifest, path: Path, keys: Sequence[Key]) -> tuple[IO[bytes], str] | None:
    """Undo what programs do to files, as ``as_made`` does.

    Returns:
        A temporary file with the size and the SHA-256 of the manifest, and what was undone; None if nothing has to be
        undone, or cannot be.

    Raises:
        UnusableError: the file cannot be read, or there is no room for the temporary file.
    """
    wanted = manifest.said["Size"], manifest.said["SHA256"]
    if _with(path, _measured) == wanted:
        return None
    try:
        check_manifest_signature(manifest, keys)  # else anybody may say how large the file has to be
    except RefusedError:
        return None
    try:
        made = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    except OSError as error:
        raise UnusableError(_unreadable("the directory of temporary files", error)) from error
    kind = manifest.said["Format"]
    try:
        for packed, source in _sources(path):
            if packed and _rewrite(source, "latin-1", None, made, wanted[0]) and _is_it(made, wanted, b""):
                return made, packed
            for ends in _ENDS if kind in _ROWS else ():
                last = b"\r\n" if kind == "csv" else b"\n"
                if _rewrite(source, "", ends, made, wanted[0]) and _is_it(made, wanted, last):
                    return made, " and ".join(filter(None, (packed, _RESAVED)))
    except OSError as error:
        made.close()
        reason = error.strerror or "it is refused"
        raise UnusableError(f"no corrected copy of {path} can be made: {reason.lower()}") from error
    made.close()
    return None


def _sources(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield what may be the exported file, with words for how it is packed; empty for the file itself."""
    with path.open("rb") as file:
        begins = file.read(4)
        file.seek(0)
        if begins[:2] == _GZIP:
            with gzip.open(file) as unpacked:
                yield "it was compressed with gzip", unpacked  # type: ignore[misc] # it has all that is used
        elif begins == _ZIP:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - 42))
            if _is_archive(file.read()):
                with contextlib.suppress(*_DAMAGED), zipfile.ZipFile(file) as archive:
                    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
                    entries = [entry for entry in entries if not _ADDED.fullmatch(entry.filename)]
                    for entry in entries[:_MOST_FOLDERS]:
                        if entry.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                            with archive.open(entry) as unpacked:
                                yield "it was packed in a zip file", unpacked
        else:
            yield "", file


def _rewrite(source: IO[bytes], encoding: str, ends: tuple[str, str] | str | None, made: IO[bytes], most: int) -> bool:
    """Write a file again, with other ends of lines; return whether that could be done.

    Args:
        source: the file.
        encoding: its encoding, in which it is written too; empty for UTF-8 or UTF-16, of which UTF-8 is made.
        ends: see ``_ENDS``.
        made: the new file.
        most: bytes of the new file, at most, before the last piece.
    """
    made.seek(0)
    made.truncate()
    quoted, held, is_first = False, "", True
    try:
        source.seek(0)
        begins = source.read(4)
        source.seek(0)
    except _DAMAGED:
        return False
    # None makes all ends of lines "\n".
    newline = None if isinstance(ends, tuple) else ""
    text = io.TextIOWrapper(source, encoding or _utf_16(begins) or "utf-8", newline=newline)
    try:
        while piece := text.read(_MIB):
            if made.tell() > most:
                return False
            if is_first and not encoding:
                piece = piece.lstrip("\ufeff")
            is_first = False
            if isinstance(ends, str):
                piece, held = held + piece, ""
                if piece.endswith("\r"):
                    piece, held = piece[:-1], "\r"
                piece = piece.replace("\r\n", ends)
            elif ends is not None:
                parts = piece.split('"')
                parts = [part.replace("\n", ends[quoted ^ at & 1]) for at, part in enumerate(parts)]
                quoted ^= len(parts) & 1 == 0
                piece = '"'.join(parts)
            made.write(piece.encode(encoding or "utf-8"))
    except _DAMAGED:
        return False
    finally:
        text.detach()
    made.write(held.encode())
    return True


def _is_it(made: IO[bytes], wanted: tuple[int, str], last: bytes) -> bool:
    """Return whether a copy is the exported file; its last line is ended with ``last`` if that is all that differs."""
    size = made.seek(0, io.SEEK_END)
    if size != wanted[0] and last:
        made.seek(max(0, size - 64))
        tail = made.read()
        made.seek(size - len(tail) + len(tail.rstrip(b"\r\n")))
        made.truncate()
        made.write(last)
        size = made.tell()
    made.seek(0)
    return size == wanted[0] and _measured(made) == wanted


def check_rows(manifest: Manifest, file: IO[bytes]) -> str:
    """Check the rows: their order, number and entries; and that each entry is its row's SHA-256."""
    kind = manifest.said["Format"]
    if kind not in _ROWS:
        return _NO_ROWS
    if file.seek(0, io.SEEK_END) > manifest.said["Size"] + _MIB:
        raise RefusedError("they are not read, because the file is larger than the manifest says")
    file.seek(0)
    csv.field_size_limit(1 << 30)
    text = io.TextIOWrapper(file, "utf-8", newline="" if kind == "csv" else "\n")
    try:
        return _check_rows(manifest.said, _read_rows(kind, text))
    finally:
        text.detach()


def _check_rows(said: dict[str, Any], rows: Iterable[dict[str, Any]]) -> str:
    logs = iter(said["Logs"])
    log, count, leaf, hashed, total = None, 0, -1, 0, 0
    subtrees: list[bytes] = []
    for total, row in enumerate(rows, 1):
        entry, index = row.get("Entry"), row.get("LeafIndex")
        if not isinstance(entry, str) or not _HEX.fullmatch(entry) or type(index) is not int:
            raise RefusedError(f"row {total} does not say its leaf or its entry")
        while log is None or log["Origin"] != row.get("Origin"):
            _check_count(log, count)
            log, count, leaf = next(logs, None), 0, -1
            if log is None:
                raise RefusedError(f"row {total} is of a log that the manifest does not have, or comes out of order")
        if not max(leaf + 1, log["FirstLeaf"]) <= index < log["EndLeaf"]:
            raise RefusedError(f"row {total} comes out of order, or is of a leaf that the manifest does not have")
        count, leaf = count + 1, index
        record = _canonical(row)
        differs = record is not None and entry_of(record).hex() != entry
        # In CSV this character may stand for bytes that are not UTF-8.
        if differs and not (said["Format"] == "csv" and "\N{REPLACEMENT CHARACTER}" in "".join(map(str, row.values()))):
            raise RefusedError(f"row {total} does not have the SHA-256 that it says: {entry}")
        hashed += record is not None and not differs
        _append(subtrees, total - 1, leaf_hash(bytes.fromhex(entry)))
    _check_count(log, count)
    if any(log["Records"] for log in logs) or total != said["Records"]:
        raise RefusedError(f"the file has {_counted(total, 'row')}, and not as many as the manifest says")
    if _root(subtrees).hex() != said["EntriesRoot"]:
        raise RefusedError("the entries of the rows do not lead to the root hash of the manifest")
    computed = f"the SHA-256 of {hashed} was computed from the content"
    return f"the entries of {_counted(total, 'row')} are those of the manifest; {computed}"


def _check_count(log: dict[str, Any] | None, count: int) -> None:
    if log is not None and count != log["Records"]:
        raise RefusedError(
            f"the file has {_counted(count, 'row')} of {log['Origin']}, and not as many as the manifest says"
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _append(subtrees: list[bytes], size: int, leaf: bytes) -> None:
    """Append a leaf to the right edge of a tree of this size (RFC 9162, section 2.1.2)."""
    while size & 1:
        leaf, size = node_hash(subtrees.pop(), leaf), size >> 1
    subtrees.append(leaf)


def _root(subtrees: Sequence[bytes]) -> bytes:
    if not subtrees:
        return sha256(b"").digest()
    root = subtrees[-1]
    for subtree in reversed(subtrees[:-1]):
        root = node_hash(subtree, root)
    return root


def _read_rows(kind: str, text: Iterable[str]) -> Iterator[dict[str, Any]]:
    try:
        if kind != "csv":
            for number, line in enumerate(text, 1):
                row = _parse_object(line, f"row {number}")
                yield _of_event(row, f"row {number}") if kind == "ocsf" else row
            return
        for row in csv.DictReader(text):
            yield _from_csv({name: cell for name, cell in row.items() if isinstance(cell, str)})
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "the file is not UTF-8, as the exported file is" if isinstance(error, UnicodeDecodeError) else error
        raise RefusedError(f"the rows cannot be read: {reason}") from error


def _of_event(event: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the record in an event of OCSF; the rest, which the server made of it, is bound by the file's SHA-256."""
    unmapped = event.get("unmapped")
    row = unmapped.get("lognotary") if isinstance(unmapped, dict) else None
    if not isinstance(row, dict):
        raise RefusedError(f"{where} does not have its record, unmapped.lognotary")
    return row


def _from_csv(row: dict[str, str]) -> dict[str, Any]:
    """Return a row with its values, without the apostrophes before what a spreadsheet would run."""
    row = {name: _APOSTROPHE.sub(r"\1", cell) for name, cell in row.items()}
    values: dict[str, Any] = dict(row)
    for name in ("LeafIndex", "CanonicalVersion"):
        values[name] = int(row.get(name, "")) if re.fullmatch(_NUMBER, row.get(name, "")) else None
    version, stream = values["CanonicalVersion"], stream_of(values.get("Origin", ""))
    if version in _COLUMNS and stream in _STREAMS:
        for name, _, kind in (column.partition(":") for column in columns_of(stream, version)):
            if name in row and (kind == "map" or kind.endswith("[]")):
                try:
                    values[name] = json.loads(row[name])
                except (ValueError, RecursionError) as error:
                    raise RefusedError(f"a cell of {name} is not JSON") from error
    return values


def _canonical(row: dict[str, Any]) -> bytes | None:
    """Return the canonical record of a row; None if the row does not have all its columns."""
    version, stream = row.get("CanonicalVersion"), stream_of(row["Origin"])
    if type(version) is not int or version not in _COLUMNS or stream not in _STREAMS:
        raise RefusedError("a row is of a stream or version that this check.py does not know")
    columns = [column.partition(":") for column in columns_of(stream, version)]
    if any(name not in row for name, _, _ in columns):
        return None
    try:
        encoded = b"".join(_encode(kind, row[name]) for name, _, kind in columns)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError, RecursionError) as error:
        raise RefusedError(f"a row has a value that no record has: {error!r}") from error
    return (b"" if version == 1 else (-version).to_bytes(_MARK, "little", signed=True)) + encoded


def _encode(kind: str, value: Any) -> bytes:
    if kind.endswith("[]"):
        if not isinstance(value, list):
            raise TypeError(value)
        return _varint(len(value)) + b"".join(_encode(kind[:-2], each) for each in value)
    if kind.isdigit():
        return int(value).to_bytes(int(kind), "little")
    if kind == "time":
        return _nanos(value).to_bytes(8, "little", signed=True)
    if kind == "map":
        pairs = list(value.items()) if isinstance(value, dict) else value
        raw = sorted((_raw(key), _raw(content)) for key, content in pairs)
        return _varint(len(raw)) + b"".join(_string(part) for pair in raw for part in pair)
    return _string(_raw(value))


def _nanos(text: str) -> int:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", text, re.ASCII)
    if match is None:
        raise ValueError(text)
    since = datetime.fromisoformat(match[1]) - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 10**9 + int(match[2])


def _raw(value: Any) -> bytes:
    return base64.b64decode(value["base64"], validate=True) if isinstance(value, dict) else value.encode()


def _string(raw: bytes) -> bytes:
    return _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def check_checkpoints(manifest: Manifest, keys: Sequence[Key], unknown: list[str]) -> str:
    """Check that each log's checkpoint is of the log, covers its leaves, and has no wrong signature by a given key.

    Those that no given key signed are added to ``unknown``: the signer of the manifest vouches for them.
    """
    logs = manifest.said["Logs"]
    for log in logs:
        checkpoint = _parse_checkpoint(log["Checkpoint"], f"the checkpoint of {log['Origin']}")
        if checkpoint.origin != log["Origin"] or log["EndLeaf"] > checkpoint.size:
            raise RefusedError(f"the checkpoint of {log['Origin']} is of another log, or does not cover its leaves")
        own = [replace(key, name=checkpoint.origin) for key in keys if key.name in ("", checkpoint.origin)]
        if all(signed_by(checkpoint, key) is None for key in own):
            by = ", ".join(f"{name}+{key_id.hex()}" for name, key_id, _ in checkpoint.signatures)
            unknown.append(f"the checkpoint of {log['Origin']}, which is signed by no key that was given, but by {by}")
    if len(unknown) == len(logs):
        return _NONE_SIGNED
    return f"{len(logs) - len(unknown)} of {len(logs)} signed by a key that was given"


def check_export(path: Path, manifest_path: Path, keys: Sequence[Key]) -> Report:
    """Check an export and its manifest. Every step is taken, also after one that fails.

    Raises:
        UnusableError: a file cannot be read.
    """
    for given in (path, manifest_path):
        if given.is_dir():
            raise UnusableError(f"{given} is a directory: give the exported file itself, and then its manifest")
        if given.exists() and not given.is_file():
            raise UnusableError(f"{given} is not a regular file: save the export and its manifest in files")
    note = _with(manifest_path, lambda file: file.read(_MIB + 1))
    _with(path, lambda file: file.read(1))
    try:
        manifest = parse_manifest(note)
    except RefusedError as error:
        return Report((Step("manifest", False, str(error)),))
    steps, unknown = [Step("manifest", True, "the manifest is well-formed")], list[str]()
    made, what = _as_exported(manifest, path, keys) or (None, "")
    undone = f"; {what}, which is undone" if made else ""

    def of_file(take: Callable[[Manifest, IO[bytes]], str]) -> str:
        if made is None:
            return _with(path, lambda file: take(manifest, file))
        made.seek(0)
        return take(manifest, made)

    checks: tuple[tuple[str, Callable[[], str]], ...] = (
        ("signature", lambda: check_manifest_signature(manifest, keys)),
        ("file", lambda: of_file(check_file) + undone),
        ("rows", lambda: of_file(check_rows)),
        ("checkpoints", lambda: check_checkpoints(manifest, keys, unknown)),
    )
    with made or contextlib.nullcontext():
        for name, take in checks:
            try:
                steps.append(Step(name, True, take()))
            except RefusedError as error:
                steps.append(Step(name, False, str(error)))
    said = {name: value for name, value in manifest.said.items() if name != "Logs"}
    said["Logs"] = [f"{log['Origin']}: {_counted(log['Records'], 'record')}" for log in manifest.said["Logs"]]
    return Report(tuple(steps), said if all(step.holds for step in steps) else None, tuple(unknown))


def _with(path: Path, take: Callable[[IO[bytes]], _T]) -> _T:
    try:
        with path.open("rb") as file:
            return take(file)
    except OSError as error:
        raise UnusableError(_unreadable(path, error)) from error


_EXPORT_NOT_PROVED = """
Not proved: that the file has every record that matches, or that a record is in a log: 'lognotary prove' makes the proof
of one record, whose SHA-256 is its entry in the file."""


# ---- The command ------------------------------------------------------------------------------------------


def read_keys(given: Iterable[str], *types: int) -> list[Key]:
    """Read keys: PEM files, files of verifier keys one a line, or verifier keys themselves.

    Raises:
        UnusableError: one cannot be read, or is of another type than those that are wanted.
    """
    keys = []
    for text in given:
        try:
            content = text if _VERIFIER_KEY.fullmatch(text) else _read_key_file(text)
            lines = [line.strip() for line in content.splitlines() if line.strip()]
            found = [_read_pem(content)] if "-----BEGIN" in content else [parse_key(line) for line in lines]
        except OSError as error:
            raise UnusableError(f"{_unreadable(text, error)}: give a file, or a verifier key") from error
        except (ValueError, UnsupportedAlgorithm, RefusedError) as error:
            raise UnusableError(f"{text}: {error}") from error
        if not found or any(key.key_type not in types for key in found):
            raise UnusableError(f"{text}: a key of type {' or '.join(map(str, types))} of C2SP signed-note is needed")
        keys += found
    return keys


def _unreadable(path: Path | str, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path}"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path} cannot be read: {reason.lower()}"


def _read_key_file(name: str) -> str:
    with Path(name).open("rb") as file:
        return _as_written(file.read(_MIB))[0].decode()


def _read_pem(text: str) -> Key:
    key = serialization.load_pem_public_key(text.encode())
    if not isinstance(key, Ed25519PublicKey):
        raise RefusedError("it is a PEM file, but of no Ed25519 public key")
    return Key("", ED25519, key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    log_key = "the log's public key: a PEM file, a file of C2SP verifier keys, or a verifier key; may be given again"
    witness_key = "verifier key of a witness that has to have cosigned the bundle's checkpoint; may be given again"
    bundle = "a directory, a zip file or an HTML file; or the file of an export"
    parser.add_argument("bundle", metavar="BUNDLE", help=bundle)
    parser.add_argument("manifest", metavar="MANIFEST", nargs="?", help="the manifest of an export")
    parser.add_argument("--public-key", metavar="KEY", action="append", required=True, help=log_key)
    parser.add_argument("--witness", metavar="KEY", action="append", default=[], help=witness_key)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Check a bundle and print the report. Return 0 if it holds, 1 if it does not, 2 if it cannot be read."""
    try:
        keys = read_keys(options.public_key, ED25519, ML_DSA_44)
        witnesses = read_keys(options.witness, COSIGNATURE, ML_DSA_44)
        if options.manifest:
            report = check_export(Path(options.bundle), Path(options.manifest), keys)
        else:
            files, is_page = _read_bundle(Path(options.bundle))
            report = check(files, keys, witnesses)
            report = _of_page(report) if is_page else report
    except RefusedError as error:
        report = Report((Step("files", False, str(error)),))
    except UnusableError as error:
        return _complain(str(error))
    except MemoryError:
        return _complain("there is not enough memory to check this: it is larger than evidence usually is")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal knows every character
    lines = _lines(report, _EXPORT if options.manifest else _BUNDLE)
    try:
        print(json.dumps({"holds": report.holds, **asdict(report)}) if options.json else "\n".join(lines), flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _complain(f"the report cannot be written: {error.strerror}")
    return 0 if report.holds else 1


def _of_page(report: Report) -> Report:
    """Add to a report that the evidence was in a page, which may show anything."""
    proved = report.proved
    rely = f"; rely on the record below, {proved['Origin']}#{proved['LeafIndex']}" if proved else ""
    return replace(
        report, not_checked=(f"the page around the evidence, its text and its script{rely}", *report.not_checked)
    )


def _complain(message: str) -> int:
    print(_one_line(f"check: {message}"), file=sys.stderr)
    return 2


_NOTHING_CHECKED = {_NO_WITNESS, _NO_COMMITMENT, _NO_ROWS, _NONE_SIGNED}
_BUNDLE = ("The bundle proves nothing.", "this record is in the signed log.", _NOT_PROVED)
_EXPORT = (
    "The export is not proved.",
    "the server signed that it exported this file.",
    _EXPORT_NOT_PROVED,
)


def _lines(report: Report, words: tuple[str, str, str]) -> Iterator[str]:
    nothing, proved, not_proved = words
    if any(not step.holds and step.name in ("file", "rows") for step in report.steps):
        nothing = "The file is not what the manifest says."
    for step in report.steps:
        mark = "·" if step.says.partition(";")[0] in _NOTHING_CHECKED else "✔" if step.holds else "✘"
        yield f"{mark} {step.name:<12} {_one_line(step.says)}"
    for what in report.not_checked:
        yield f"· not checked: {_one_line(what)}"
    if report.proved is None:
        yield f"\n✘ {nothing}"
        return
    yield f"\n✔ Proved: {proved}"
    for name, value in report.proved.items():
        if name == "Disclosed":
            yield from (f"  {_one_line(mark)} is {_one_line(_shown(opened))}" for mark, opened in value.items())
            continue
        shown = value["time"] if name in ("Timestamp", "ObservedTimestamp", "IngestedAt") else value
        if value not in ("", {}):
            yield f"  {name:<22} {_one_line(_shown(shown))}"
    yield not_proved


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    """Make text safe to show: one line, not endless, and whatever is not printable as an escape that can be seen."""
    shown = text if len(text) <= 1000 else text[:1000] + " … and more"
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(description="Check an evidence bundle of Lognotary.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_arguments(parser)
    return run(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
