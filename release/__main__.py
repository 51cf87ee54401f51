"""``python -m release build|make|verify``: build a release reproducibly, make its signed files, and check them."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from build_support.node import find_node
from release.build import Built, build, differences
from release.errors import ReleaseError
from release.files import Circumstances, check_release, write_release
from release.packages import resolve
from release.source import ROOT, Source, read_source, unpack_source
from server.errors.base import LognotaryError
from server.errors.files import unreadable
from server.keys.key_files import read_private_key
from server.keys.pkcs11 import open_key
from server.notary.signers import Ed25519Key, SigningKey
from server.notary.trust import read_public_pem

_EXTRAS = ("embedded", "export", "pkcs11", "timestamps")  # those that are for running a server


def main(arguments: Sequence[str]) -> int:
    """Run a command; return its status."""
    parser = argparse.ArgumentParser(prog="python -m release")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build the source distribution and the wheel of the current commit")
    building.add_argument("--twice", action="store_true", help="build both again elsewhere, and compare")
    making = commands.add_parser("make", help="build twice, and write bill of materials, provenance and checksums")
    making.add_argument("--key", required=True, help="release key: a file (PKCS #8 PEM) or a PKCS #11 URI")
    making.add_argument("--builder", default="urn:lognotary:builder:local", help="URI of who or what builds")
    for command in (building, making):
        command.add_argument("--out", type=Path, default=ROOT / "dist", help="directory, which must be empty")
    verifying = commands.add_parser("verify", help="check the files of a release")
    verifying.add_argument("directory", type=Path)
    verifying.add_argument("--key", type=Path, required=True, help="public release key (PEM)")
    options = parser.parse_args(arguments)
    try:
        if options.command == "verify":
            public_key = read_public_pem(_read(options.key))
            checked = check_release(options.directory, public_key)
            sys.stdout.write(f"{', '.join(checked)}: signed by this key, and unchanged\n")
        elif options.command == "build":
            _build(read_source(), options.out, twice=options.twice)
        else:
            _make(options.out, _open(options.key), options.builder, "python -m release make")
    except (ReleaseError, LognotaryError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(f"the release key: {unreadable(file, error)}") from error


def _make(out: Path, key: SigningKey, builder: str, command: str) -> None:
    source = read_source()
    built = _build(source, out, twice=True)
    locked = ROOT / "requirements.txt"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for extra in _EXTRAS for text in project["optional-dependencies"][extra]]
    packages = resolve([*project["dependencies"], *extras], locked)
    digest = sha256(locked.read_bytes()).hexdigest()
    write_release(built, packages, Circumstances(source, digest, command, builder, _environment()), key)
    sys.stdout.write(f"{out}: {', '.join(sorted(file.name for file in out.iterdir()))}\n")


def _build(source: Source, out: Path, *, twice: bool) -> Built:
    if out.exists() and any(out.iterdir()):
        raise ReleaseError(f"{out} is not empty")
    built = _build_once(source, out)
    if twice:
        with TemporaryDirectory() as directory:
            if found := differences(built, _build_once(source, Path(directory))):
                raise ReleaseError(f"the same commit gave other bytes when it was built again: {'; '.join(found)}")
    return built


def _build_once(source: Source, out: Path) -> Built:
    with TemporaryDirectory() as directory:
        unpack_source(source, Path(directory))
        return build(Path(directory), out, source.time)


def _open(key: str) -> SigningKey:
    return open_key(key) if key.startswith("pkcs11:") else read_private_key(Path(key), Ed25519Key)


def _environment() -> dict[str, str]:
    compiler = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    tools = {tool: version(tool) for tool in ("build", "cython", "setuptools")}
    if node := find_node():
        tools["node"] = subprocess.run(
            [node.program, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
    return {"python": platform.python_version(), "platform": platform.platform(), "compiler": compiler, **tools}


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(sys.argv[1:]))
