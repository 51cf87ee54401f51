"""The files of a release are checked as a whole: what was changed, added or left out is found."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from release.__main__ import main
from release.build import Built
from release.errors import ReleaseError
from release.files import NOTE, PROVENANCE, SUMS, Circumstances, check_release, write_release
from release.packages import Package
from release.provenance import open_envelope, sign_envelope
from release.script_packages import read_script_packages
from release.source import Source
from server.notary.signers import Ed25519Key, Signer

KEY = Ed25519Key.generate()
SOURCE = Source("c" * 40, 1_790_000_000, "https://git.example/lognotary")
SBOM = "demo-1.0.cdx.json"
PACKAGES = [
    Package("anyio", "4.16.0", "1" * 64, "https://files.example/anyio.whl", "MIT"),
    Package("chdb", "4.4.0", "2" * 64, "https://files.example/chdb.whl", "Apache-2.0"),
    Package("odd", "1.0", "3" * 64, "https://files.example/odd.whl", "Some License 1", ("anyio",)),
    Package("starlette", "1.10.0", "4" * 64, "https://files.example/starlette.whl", "BSD-3-Clause", ("anyio",)),
]
SCRIPTS = [
    {
        "name": "@preact/signals",
        "version": "2.11.4",
        "license": "MIT",
        "integrity": f"sha512-{base64.b64encode(b'6' * 64).decode()}",
    }
]
METADATA = """\
Metadata-Version: 2.4
Name: demo
Version: 1.0
License-Expression: Apache-2.0
Requires-Dist: starlette>=1
Requires-Dist: odd
Provides-Extra: embedded
Requires-Dist: chdb>=4; extra == "embedded"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed release of a small distribution."""
    directory = tmp_path_factory.mktemp("made")
    with zipfile.ZipFile(directory / "demo-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("demo-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("server/explorer/static/packages.json", json.dumps(SCRIPTS))
    (directory / "demo-1.0.tar.gz").write_bytes(b"source")
    built = Built(directory / "demo-1.0.tar.gz", directory / "demo-1.0-py3-none-any.whl")
    circumstances = Circumstances(SOURCE, "5" * 64, "make release", "urn:test", {"python": "3.13.1"})
    write_release(built, PACKAGES, circumstances, KEY)
    return directory


@pytest.fixture
def released(made: Path, tmp_path: Path) -> Path:
    """The same release, to be changed."""
    return Path(shutil.copytree(made, tmp_path / "dist"))


def test_a_release_is_as_it_was_signed(released: Path) -> None:
    names = [SBOM, "demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz", PROVENANCE]
    assert check_release(released, KEY.public_key) == sorted(names)
    done = subprocess.run(["sha256sum", "--check", "--strict", SUMS], cwd=released, capture_output=True, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz", SBOM, PROVENANCE, SUMS, NOTE])
@pytest.mark.parametrize("change", [lambda content: content + b"\n", lambda content: b"\x00" + content[1:]])
def test_any_changed_file_is_found(name: str, change: Callable[[bytes], bytes], released: Path) -> None:
    file = released / name
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(ReleaseError, match=name):
        check_release(released, KEY.public_key)


def test_a_file_that_is_missing_or_was_added_is_found(released: Path) -> None:
    (released / "demo-1.0-py3-none-macos.whl").write_bytes(b"malware")
    with pytest.raises(ReleaseError, match=r"not signed: demo-1\.0-py3-none-macos\.whl"):
        check_release(released, KEY.public_key)
    (released / "demo-1.0-py3-none-macos.whl").unlink()
    (released / "demo-1.0.tar.gz").unlink()
    with pytest.raises(ReleaseError, match=r"missing: demo-1\.0\.tar\.gz"):
        check_release(released, KEY.public_key)


def test_a_release_that_another_key_signed_is_refused(released: Path) -> None:
    with pytest.raises(ReleaseError, match="signed by no known key"):
        check_release(released, Ed25519Key.generate().public_key)


def test_signed_checksums_with_provenance_of_another_release_are_refused(released: Path) -> None:
    statement = open_envelope((released / PROVENANCE).read_text(encoding="utf-8"), KEY.public_key)
    statement["subject"][0]["digest"]["sha256"] = "0" * 64
    (released / PROVENANCE).write_text(sign_envelope(statement, KEY), encoding="utf-8")
    sign_again(released)
    with pytest.raises(ReleaseError, match="is of other files"):
        check_release(released, KEY.public_key)


def test_signed_checksums_with_provenance_that_another_key_signed_are_refused(released: Path) -> None:
    statement = open_envelope((released / PROVENANCE).read_text(encoding="utf-8"), KEY.public_key)
    (released / PROVENANCE).write_text(sign_envelope(statement, Ed25519Key.generate()), encoding="utf-8")
    sign_again(released)
    with pytest.raises(ReleaseError, match="not signed by the release key"):
        check_release(released, KEY.public_key)


def sign_again(released: Path) -> None:
    names = sorted({file.name for file in released.iterdir()} - {SUMS, NOTE})
    sums = "".join(f"{sha256((released / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    (released / SUMS).write_text(sums, encoding="utf-8")
    (released / NOTE).write_text(str(Signer(KEY).sign(sums, "lognotary-release")), encoding="utf-8")


def test_the_signature_of_provenance_is_that_of_dsse() -> None:
    envelope = json.loads(sign_envelope({"a": 1}, KEY))
    payload = base64.b64decode(envelope["payload"])
    signed = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    assert base64.b64decode(envelope["signatures"][0]["sig"]) == KEY.sign(signed)


def test_provenance_names_the_commit_and_all_materials(released: Path) -> None:
    statement = open_envelope((released / PROVENANCE).read_text(encoding="utf-8"), KEY.public_key)
    materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert materials[0] == {
        "uri": f"git+https://git.example/lognotary@{'c' * 40}",
        "digest": {"gitCommit": "c" * 40},
    }
    assert materials[1]["digest"] == {"sha256": "5" * 64}
    assert {"uri": "pkg:pypi/anyio@4.16.0", "digest": {"sha256": "1" * 64}} in materials
    signals = {"uri": "pkg:npm/%40preact/signals@2.11.4", "digest": {"sha512": (b"6" * 64).hex()}}
    assert signals in materials


def test_the_bill_has_hashes_licenses_and_what_needs_what(released: Path) -> None:
    bill = json.loads((released / SBOM).read_text(encoding="utf-8"))
    components = {component["name"]: component for component in bill["components"]}
    assert components["starlette"]["hashes"] == [{"alg": "SHA-256", "content": "4" * 64}]
    assert components["starlette"]["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert components["odd"]["licenses"] == [{"license": {"name": "Some License 1"}}]
    assert {name: component["scope"] for name, component in components.items()} == {
        "anyio": "required",  # because starlette is
        "chdb": "optional",
        "odd": "required",
        "signals": "required",  # it is in the wheel
        "starlette": "required",
    }
    signals = components["signals"]
    assert (signals["group"], signals["purl"]) == ("@preact", "pkg:npm/%40preact/signals@2.11.4")
    assert signals["hashes"] == [{"alg": "SHA-512", "content": (b"6" * 64).hex()}]
    assert signals["licenses"] == [{"license": {"id": "MIT"}}]
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    assert needs["demo-1.0-py3-none-any.whl"] == [
        "chdb==4.4.0",
        "npm:@preact/signals@2.11.4",
        "odd==1.0",
        "starlette==1.10.0",
    ]
    assert needs["starlette==1.10.0"] == ["anyio==4.16.0"]


def test_the_same_release_has_the_same_bill(released: Path) -> None:
    first = (released / SBOM).read_bytes()
    built = Built(released / "demo-1.0.tar.gz", released / "demo-1.0-py3-none-any.whl")
    write_release(built, PACKAGES, Circumstances(SOURCE, "", "", "urn:test", {}), KEY)
    assert (released / SBOM).read_bytes() == first


def test_the_command_tells_a_good_release_from_a_bad_one(
    released: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = tmp_path / "release-key.pem"
    public.write_bytes(Signer(KEY).public_pem())
    assert main(["verify", str(released), "--key", str(public)]) == 0
    assert "unchanged" in capsys.readouterr().out
    (released / "demo-1.0.tar.gz").write_bytes(b"other")
    assert main(["verify", str(released), "--key", str(public)]) == 1
    assert capsys.readouterr().err == "demo-1.0.tar.gz was changed: its SHA-256 is not the one that was signed\n"


def test_a_release_key_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(tmp_path), "--key", str(tmp_path / "missing.pub")]) == 1
    assert f"the release key: there is no file {tmp_path / 'missing.pub'}" in capsys.readouterr().err


@pytest.mark.parametrize("integrity", ["", "sha1-AAAA", "sha512-AAAA", "sha512-*"])
def test_a_package_of_npm_without_its_digest_is_refused(integrity: str, tmp_path: Path) -> None:
    wheel = wheel_with(json.dumps([SCRIPTS[0] | {"integrity": integrity}]), tmp_path)
    with pytest.raises(ReleaseError, match="has no digest"):
        read_script_packages(wheel)


@pytest.mark.parametrize("content", ["{", "1", "[1]", '[{"name": "a"}]'])
def test_a_list_of_npm_packages_that_no_build_wrote_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"packages\.json is not as the build writes it"):
        read_script_packages(wheel_with(content, tmp_path))


def test_a_wheel_without_the_explorer_has_no_npm_packages(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "demo.whl", "w") as written:
        written.writestr("server/__init__.py", "")
    assert read_script_packages(tmp_path / "demo.whl") == []


def wheel_with(packages: str, directory: Path) -> Path:
    """Return a wheel that has a list of npm packages."""
    with zipfile.ZipFile(directory / "demo.whl", "w") as written:
        written.writestr("server/explorer/static/packages.json", packages)
    return directory / "demo.whl"
