"""The files of a release: checksums, bill of materials and provenance, all signed, and their check."""

from __future__ import annotations

import email
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from release.build import Built
from release.errors import ReleaseError
from release.packages import Package, reachable
from release.provenance import make_statement, open_envelope, sign_envelope, subjects
from release.sbom import WheelFile, check_sbom, make_sbom
from release.script_packages import read_script_packages
from release.source import Source
from server.notary.errors import NotaryError
from server.notary.keys import VerifierKey
from server.notary.note import parse_note
from server.notary.signers import Signer, SigningKey

__all__ = ["Circumstances", "check_release", "read_wheel", "write_release"]

SUMS, NOTE, PROVENANCE = "SHA256SUMS", "SHA256SUMS.note", "provenance.json"
KEY_NAME = "lognotary-release"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Circumstances of a build, for its provenance: see ``make_statement``."""

    source: Source
    locked: str
    command: str
    builder: str
    environment: Mapping[str, str]


def write_release(built: Built, packages: Sequence[Package], circumstances: Circumstances, key: SigningKey) -> None:
    """Write bill of materials, provenance and checksums beside what was built.

    Raises:
        ReleaseError: the bill does not match its schema, or the wheel's list of npm packages cannot be read.
        SigningError: the key cannot be reached, or did not sign.
    """
    directory, wheel, scripts = built.wheel.parent, read_wheel(built.wheel), read_script_packages(built.wheel)
    required = reachable(packages, _required(built.wheel))
    sbom = directory / f"{wheel.name}-{wheel.version}.cdx.json"
    sbom.write_text(make_sbom(wheel, packages, required, circumstances.source.time, scripts), encoding="utf-8")
    made = {file.name: _digest(file) for file in (built.sdist, built.wheel, sbom)}
    statement = make_statement(
        made,
        circumstances.source,
        packages,
        scripts,
        locked=circumstances.locked,
        command=circumstances.command,
        builder=circumstances.builder,
        environment=circumstances.environment,
    )
    provenance = directory / PROVENANCE
    provenance.write_text(sign_envelope(statement, key), encoding="utf-8")
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted((made | {PROVENANCE: _digest(provenance)}).items()))
    (directory / SUMS).write_text(sums, encoding="utf-8")
    (directory / NOTE).write_text(str(Signer(key).sign(sums, KEY_NAME)), encoding="utf-8")


def check_release(directory: Path, public_key: bytes) -> list[str]:
    """Check all files of a release against the release key.

    Returns:
        The names of the files that were checked.

    Raises:
        ReleaseError: a file is missing, was changed, or is not signed by this key; the message names it.
    """
    sums = _signed_sums(directory, public_key)
    present = {file.name for file in directory.iterdir()} - {NOTE, SUMS}
    if missing := sorted(sums.keys() - present):
        raise ReleaseError(f"missing: {', '.join(missing)}")
    if unsigned := sorted(present - sums.keys()):
        raise ReleaseError(f"not signed: {', '.join(unsigned)}")
    for name, digest in sums.items():
        if _digest(directory / name) != digest:
            raise ReleaseError(f"{name} was changed: its SHA-256 is not the one that was signed")
    statement = open_envelope(_text(directory / PROVENANCE), public_key)
    if subjects(statement) != {name: digest for name, digest in sums.items() if name != PROVENANCE}:
        raise ReleaseError(f"{PROVENANCE} is of other files")
    for name in sums:
        if name.endswith(".cdx.json"):
            check_sbom(_text(directory / name))
    return sorted(sums)


def _signed_sums(directory: Path, public_key: bytes) -> dict[str, str]:
    try:
        note = parse_note(_text(directory / NOTE))
        note.verify([VerifierKey(KEY_NAME, public_key)])
    except NotaryError as error:
        raise ReleaseError(f"{NOTE}: {error}") from error
    if _text(directory / SUMS) != note.text:
        raise ReleaseError(f"{SUMS} was changed: {NOTE} has other checksums")
    lines = (line.partition("  ") for line in note.text.splitlines())
    return {name: digest for digest, _, name in lines}


def read_wheel(wheel: Path) -> WheelFile:
    """Return what a wheel says of itself."""
    about = _metadata(wheel)
    names = {canonicalize_name(Requirement(text).name) for text in about.get_all("Requires-Dist", [])}
    return WheelFile(
        name=about["Name"],
        version=about["Version"],
        file_name=wheel.name,
        sha256=_digest(wheel),
        license=about["License-Expression"],
        requires=tuple(sorted(names - {canonicalize_name(about["Name"])})),
    )


def _required(wheel: Path) -> list[str]:
    """Return the names of the packages that a wheel needs without any extra."""
    stated = map(Requirement, _metadata(wheel).get_all("Requires-Dist", []))
    return [one.name for one in stated if one.marker is None or one.marker.evaluate({"extra": ""})]


def _metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as opened:
        [name] = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(opened.read(name))


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest()


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"{file.name} is missing, or not a text") from error
