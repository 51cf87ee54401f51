"""``check.py``: it stands alone, it agrees with the notary, and it accepts nothing that was changed."""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import random
import re
import runpy
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cffi
import cryptography
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import Cosigner, MemoryLog, audit_record, encode_record, signer_of
from server import check, cli
from server.commands.bundles import save_bundle
from server.notary.bundle import readable_record
from server.notary.canonical import VERSIONS, Kind, Value, canonical_columns, entry_of, version_of, versions_of
from server.notary.errors import KeyMaterialError, MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.merkle import leaf_hash, node_hash
from server.notary.note import NoteSignature, SignedNote, parse_note
from server.notary.origin import LogName, Stream
from server.notary.proofs import verify_inclusion
from server.notary.signers import Signer

CHECK = Path(check.__file__)
LOG = MemoryLog([audit_record(number) for number in range(13)])
FIRST, SECOND, THIRD, STRANGER = (signer_of(seed) for seed in (1, 2, 3, 4))
NOTE = LOG.checkpoint(11, FIRST)
BUNDLE = LOG.bundle(5, NOTE, keys=FIRST.verifier_keys(LOG.origin))
OLD_LOG = MemoryLog([audit_record(number, version=1) for number in range(13)])
OLD_BUNDLE = OLD_LOG.bundle(5, OLD_LOG.checkpoint(11, FIRST), keys=FIRST.verifier_keys(LOG.origin))
BUNDLES = {1: OLD_BUNDLE, 2: BUNDLE}
WITNESS = Cosigner("witness.example/w1", 9)
PQ_WITNESS = Cosigner("witness.example/w2", 8, KeyType.ML_DSA_44)
READ = {"record.bin", "record.json", "record.tlog-proof", "checkpoint"}


def key(signer: Signer) -> check.Key:
    return check.parse_key(str(signer.verifier_key(LOG.origin)))


def keys(signer: Signer) -> list[check.Key]:
    return [check.parse_key(str(verifier_key)) for verifier_key in signer.verifier_keys(LOG.origin)]


def failed(report: check.Report) -> dict[str, str]:
    """Return what does not hold, and why."""
    assert report.holds == all(step.holds for step in report.steps)
    return {step.name: step.says for step in report.steps if not step.holds}


def says(report: check.Report, name: str) -> str:
    [step] = [step for step in report.steps if step.name == name]
    return step.says


def run(*arguments: str | Path) -> int:
    return cli.main(["check", *map(str, arguments)])


class TestAlone:
    """It can be copied away and run years later."""

    def test_it_imports_cryptography_and_the_standard_library_only(self) -> None:
        imported = set()
        for node in ast.walk(ast.parse(CHECK.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
        rooms = {name.partition(".")[0] for name in imported}
        assert "cryptography" in rooms
        assert rooms - {"cryptography"} <= sys.stdlib_module_names

    def test_it_has_the_version_of_the_release_it_came_with(self, capsys: pytest.CaptureFixture[str]) -> None:
        project = tomllib.loads((CHECK.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert check.__version__ == project["version"]
        with pytest.raises(SystemExit, match=r"^0$"):
            check.main(["--version"])
        assert capsys.readouterr().out.endswith(f" {check.__version__}\n")

    def test_it_can_be_started_as_a_program(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        command = [CHECK, tmp_path / "bundle", "--public-key", str(FIRST.verifier_key(LOG.origin))]
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # python3, with cryptography
        done = subprocess.run(command, capture_output=True, env={**os.environ, "PATH": path}, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_its_sections_are_in_the_order_of_the_steps_that_are_reported(self) -> None:
        sections = re.findall(r"(?m)^# ---- (\d+)\. ([a-z. ]+): ", CHECK.read_text(encoding="utf-8"))
        steps = [step.name for step in check.check(BUNDLE, [key(FIRST)]).steps]
        assert sections == [(str(number), name) for number, name in enumerate(steps, 1)]

    @pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
    def test_a_copy_runs_where_nothing_else_is_installed(self, name: str, tmp_path: Path) -> None:
        packages = tmp_path / "packages"
        packages.mkdir()
        for module in (cryptography, cffi):
            directory = Path(str(module.__file__)).parent
            (packages / directory.name).symlink_to(directory)
        for library in Path(str(cffi.__file__)).parent.parent.glob("_cffi_backend*"):
            (packages / library.name).symlink_to(library)
        alone = tmp_path / "alone"
        alone.mkdir()
        (alone / "check.py").write_bytes(CHECK.read_bytes())
        pq = signer_of(1, ml_dsa=True)
        note = PQ_WITNESS.cosign(LOG.checkpoint(11, pq), 1_767_225_800)
        save_bundle(LOG.bundle(5, note), alone / name)
        (alone / "keys.txt").write_text("\n".join(map(str, pq.verifier_keys(LOG.origin))), encoding="utf-8")
        (alone / "witness.txt").write_text(str(PQ_WITNESS.verifier_key), encoding="utf-8")
        program = "import runpy, sys; sys.path.append(sys.argv.pop(1)); runpy.run_path('check.py', run_name='__main__')"
        arguments = [packages, name, "--public-key", "keys.txt", "--witness", "witness.txt"]

        # -I and -S: no environment, no current directory, no site-packages.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program, *map(str, arguments)],
            cwd=alone,
            capture_output=True,
            encoding="utf-8",
            env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "✔ Proved" in done.stdout

    def test_a_terminal_that_knows_ascii_only_is_no_obstacle(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        command = [sys.executable, CHECK, tmp_path / "bundle", "--public-key", str(FIRST.verifier_key(LOG.origin))]
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\\u2714 Proved" in done.stdout


class TestParity:
    """The check computes the same values as the notary."""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_it_knows_the_columns_of_each_version_of_the_canonical_record(self, version: int) -> None:
        for stream in [stream for stream in Stream if version in versions_of(stream)]:
            empty = encode_record(stream, {}, version)
            columns = [column.name for column in canonical_columns(stream, version)]
            assert check.version_of(empty) == version_of(empty) == version
            assert list(check.read_record(empty, stream.value)) == columns

    def test_a_span_of_a_version_that_no_span_has_is_refused(self) -> None:
        record = encode_record(Stream.OPERATIONAL, {}, 1)
        with pytest.raises(check.RefusedError, match=r"version 1 of the canonical record, which no span has"):
            check.read_record(record, "spans")
        with pytest.raises(MalformedError):
            readable_record(record, "shop/spans/a", 0)

    def test_an_array_that_ends_too_early_is_refused(self) -> None:
        record = encode_record(Stream.SPANS, {"Events.Timestamp": [1, 2], "Links.Attributes": [[(b"k", b"v")]]})
        assert check.read_record(record, "spans")["Links.Attributes"] == [{"k": "v"}]
        for size in range(len(record)):
            with pytest.raises(check.RefusedError, match="ends too early"):
                check.read_record(record[:size], "spans")

    def test_it_knows_every_version(self) -> None:
        assert tuple(BUNDLES) == VERSIONS

    @pytest.mark.parametrize("first", [-1, -3, -256, -(2**63)])
    def test_a_version_that_it_does_not_know_is_named_and_refused(self, first: int) -> None:
        log = MemoryLog([first.to_bytes(8, "little", signed=True) + LOG.records[0][8:]])
        files = {**LOG.bundle(0, log.checkpoint(1, FIRST)), "record.bin": log.records[0]}
        why = failed(check.check(files, [key(FIRST)]))
        assert set(why) == {"record.json"}
        assert why["record.json"].startswith(f"record.bin begins with the mark {first}, of another version")
        assert "(1 and 2): use the check.py of a newer Lognotary" in why["record.json"]
        with pytest.raises(MalformedError):
            readable_record(log.records[0], log.origin, 0)

    def test_a_record_that_is_shorter_than_any_mark_is_refused(self) -> None:
        for record in (b"", bytes(7)):
            with pytest.raises(check.RefusedError, match="ends too early"):
                check.read_record(record, "audit")

    def test_a_path_of_another_length_or_to_an_entry_that_is_not_there_leads_nowhere(self) -> None:
        root, path = check.root_from_path(0, 1, bytes(32), []), [bytes(32)]
        assert root == bytes(32)
        for index, size, some, says in (
            (1, 1, [], "there is no entry 1 in a log of 1"),
            (0, 1, path, "too long"),
            (0, 2, [], "too short"),
        ):
            with pytest.raises(check.RefusedError, match=says):
                check.root_from_path(index, size, bytes(32), some)

    @given(st.binary(max_size=80), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
    def test_its_hashes_are_the_notarys(self, record: bytes, left: bytes, right: bytes) -> None:
        assert check.entry_of(record) == entry_of(record)
        assert check.leaf_hash(record) == leaf_hash(record)
        assert check.node_hash(left, right) == node_hash(left, right)

    @given(st.data())
    def test_every_record_of_a_log_is_proved(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, 40))
        index = data.draw(st.integers(0, size - 1))
        log = MemoryLog([audit_record(number) for number in range(size)])
        report = check.check(log.bundle(index, log.checkpoint(size, FIRST)), [key(FIRST)])
        assert failed(report) == {}
        assert report.proved is not None
        assert (report.proved["LeafIndex"], report.proved["TreeSize"]) == (index, size)
        assert report.proved["RootHash"] == log.root(0, size).hex()

    @given(st.integers(0, 2**62), st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
    def test_a_path_leads_to_the_same_root_or_nowhere(self, index: int, size: int, path: list[bytes]) -> None:
        leaf = leaf_hash(b"entry")
        for last in (size, size + index + 1):
            try:
                root = check.root_from_path(index, last, leaf, path)
            except check.RefusedError:
                with pytest.raises(VerificationError):
                    verify_inclusion(index, last, leaf, path, bytes(32))
            else:
                verify_inclusion(index, last, leaf, path, root)

    @given(st.data())
    def test_a_record_reads_the_same(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(Stream))
        version = data.draw(st.sampled_from(versions_of(stream)))
        log = LogName("shop", stream, "a")
        values = {column.name: data.draw(_VALUES[column.kind]) for column in canonical_columns(stream, version)}
        if version == 1:
            values["Timestamp"] = data.draw(st.integers(0, 2**63 - 1))
        record = encode_record(stream, values, version)
        readable = readable_record(record, log.origin, 0)
        memory = MemoryLog([record], log)
        files = memory.bundle(0, memory.checkpoint(1, FIRST))
        believed = check.Key("", check.ED25519, FIRST.ed25519.public_key)
        report = check.check(files, [believed])
        assert failed(report) == {}
        assert report.proved == {"TreeSize": 1, "RootHash": memory.root(0, 1).hex(), **readable}

    @given(st.data())
    def test_a_record_that_was_changed_reads_the_same_or_not_at_all(self, data: st.DataObject) -> None:
        record = bytearray(audit_record(0, data.draw(st.sampled_from(VERSIONS))))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(record)))
            record[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        try:
            mine = check.read_record(bytes(record), "audit")
        except check.RefusedError:
            with pytest.raises(MalformedError):
                readable_record(bytes(record), LOG.origin, 0)
        else:
            theirs = readable_record(bytes(record), LOG.origin, 0)
            assert mine == {name: theirs[name] for name in mine}

    @given(st.text(min_size=1, max_size=20), st.sampled_from(KeyType), st.randoms(use_true_random=False))
    def test_a_key_is_the_same_key(self, name: str, key_type: KeyType, chance: random.Random) -> None:
        try:
            theirs = VerifierKey(name, chance.randbytes(key_type.public_key_size), key_type)
        except KeyMaterialError:
            encoded = base64.b64encode(b"\x01" + bytes(32)).decode()
            with pytest.raises(check.RefusedError):
                check.parse_key(f"{name}+00000000+{encoded}")
            return
        mine = check.parse_key(str(theirs))
        assert (mine.name, mine.key_type, mine.public, mine.key_id) == (
            theirs.name,
            theirs.key_type.value,
            theirs.public_key,
            theirs.key_id,
        )


_VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    Kind.TIME: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT8: st.integers(0, 255),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.STRING: st.one_of(st.text(max_size=9).map(str.encode), st.binary(max_size=200)),
    Kind.WORD: st.one_of(st.just(b""), st.text(max_size=9).map(str.encode)),
    Kind.MAP: st.lists(st.tuples(st.sampled_from([b"a", b"b", b"time", b"\xff"]), st.binary(max_size=3)), max_size=3),
    Kind.UINT64: st.integers(0, 2**64 - 1),
}
_VALUES |= {kind: st.lists(_VALUES[kind.element], max_size=3) for kind in Kind if kind.element}


class TestTampering:
    @pytest.mark.parametrize("version", BUNDLES)
    def test_the_bundle_holds_before(self, version: int) -> None:
        report = check.check(BUNDLES[version], [key(FIRST)])
        assert failed(report) == {}
        assert report.proved is not None
        assert report.proved["CanonicalVersion"] == version

    @pytest.mark.parametrize("name", sorted(READ))
    @pytest.mark.parametrize("version", BUNDLES)
    def test_no_bit_of_what_is_read_can_be_changed(self, name: str, version: int) -> None:
        chance = random.Random(name)
        bundle = BUNDLES[version]
        for at in range(len(bundle[name])):
            changed = bytearray(bundle[name])
            changed[at] ^= 1 << chance.randrange(8)
            assert not check.check({**bundle, name: bytes(changed)}, [key(FIRST)]).holds, (at, changed)

    @pytest.mark.parametrize(("version", "other"), [(1, 2), (2, 1)])
    def test_a_record_of_one_version_cannot_be_passed_off_as_one_of_another(self, version: int, other: int) -> None:
        bundle = BUNDLES[version]
        claims = {**json.loads(bundle["record.json"]), "CanonicalVersion": other}
        files = {**bundle, "record.json": json.dumps(claims).encode()}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"record.json"}
        files = {**bundle, "record.bin": BUNDLES[other]["record.bin"], "record.json": BUNDLES[other]["record.json"]}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"inclusion"}

    @pytest.mark.parametrize("name", sorted(READ))
    def test_nothing_of_what_is_read_can_be_cut_off_or_added(self, name: str) -> None:
        for content in (BUNDLE[name][:-2], BUNDLE[name][1:], b"", b"\0" + BUNDLE[name], BUNDLE[name] + b"x"):
            assert not check.check({**BUNDLE, name: content}, [key(FIRST)]).holds

    @pytest.mark.parametrize("name", sorted(READ))
    def test_nothing_of_what_is_read_can_be_left_out(self, name: str) -> None:
        files = {path: content for path, content in BUNDLE.items() if path != name}
        assert failed(check.check(files, [key(FIRST)])) == {"files": f"missing: {name}"}

    def test_what_does_not_hold_is_named_with_all_else_that_does_not(self) -> None:
        other = LOG.bundle(6, NOTE)
        swapped = {**BUNDLE, "record.bin": other["record.bin"]}
        assert set(failed(check.check(swapped, [key(FIRST)]))) == {"inclusion", "record.json"}
        swapped = {**BUNDLE, "checkpoint": str(LOG.checkpoint(12, FIRST)).encode()}
        assert set(failed(check.check(swapped, [key(FIRST)]))) == {"inclusion", "checkpoint"}
        assert set(failed(check.check(BUNDLE, [key(STRANGER)]))) == {"signature"}

    def test_a_record_cannot_take_the_place_of_another(self) -> None:
        proof = BUNDLE["record.tlog-proof"].replace(b"index 5\n", b"index 4\n")
        readable = BUNDLE["record.json"].replace(b'"LeafIndex": 5', b'"LeafIndex": 4')
        files = {**BUNDLE, "record.tlog-proof": proof, "record.json": readable}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"inclusion"}

    def test_the_leaf_of_a_subtree_is_no_entry(self) -> None:
        # With a node's hash taken for a leaf, a shorter path would lead to the root: the sizes forbid it.
        path = LOG.path(4, 8)
        node = node_hash(leaf_hash(entry_of(LOG.records[4])), path[0])
        with pytest.raises(check.RefusedError, match="short"):
            check.root_from_path(2, 8, node, path[1:])

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ActorId", "bob"),
            ("Action", "role.revoke"),
            ("Body", "nothing happened"),
            ("LeafIndex", 6),
            ("LeafIndex", "5"),
            ("Flags", True),
            ("Flags", 1.0),
            ("CanonicalVersion", 1),
            ("CanonicalVersion", 3),
            ("Tenant", ""),
            ("Description", "nothing happened"),
            ("Origin", "shop/audit/b"),
            ("Timestamp", {"time": "2026-01-01T00:00:00.000000006Z", "unix_nanos": 1_767_225_600_000_000_005}),
            ("Timestamp", {"time": "2026-01-01T00:00:00.000000005Z", "unix_nanos": 1_767_225_600_000_000_006}),
            ("LogAttributes", {}),
            ("Note", "looks good"),
            ("Note", None),
        ],
    )
    def test_a_readable_text_that_says_something_else_is_refused(self, field: str, value: object) -> None:
        claims = {**json.loads(BUNDLE["record.json"]), field: value}
        files = {**BUNDLE, "record.json": json.dumps(claims).encode()}
        why = failed(check.check(files, [key(FIRST)]))
        assert set(why) == {"record.json"}
        assert field in why["record.json"]

    def test_a_readable_text_may_be_formatted_otherwise(self) -> None:
        claims = json.loads(BUNDLE["record.json"])
        files = {**BUNDLE, "record.json": json.dumps(dict(reversed(claims.items()))).encode()}
        assert failed(check.check(files, [key(FIRST)])) == {}

    @pytest.mark.parametrize(
        "text",
        [
            '{"ActorId": "bob", ' + BUNDLE["record.json"].decode()[1:],
            BUNDLE["record.json"].decode().replace('"Action": "role.grant",', ""),
            "[" * 100_000,
            "[]",
            '{"LeafIndex": ' + "9" * 5000 + "}",
            '{"LeafIndex": NaN}',
            "\ufeff{}",
            "",
        ],
    )
    def test_a_readable_text_that_can_be_read_in_two_ways_is_refused(self, text: str) -> None:
        assert not check.check({**BUNDLE, "record.json": text.encode()}, [key(FIRST)]).holds

    def test_the_columns_are_those_of_the_stream_in_the_signed_name(self) -> None:
        log = MemoryLog([encode_record(Stream.OPERATIONAL, {"Body": b"x"})], LogName("s", Stream.OPERATIONAL, "a"))
        believed = check.Key("", check.ED25519, FIRST.ed25519.public_key)
        assert check.check(log.bundle(0, log.checkpoint(1, FIRST)), [believed]).holds

    def test_a_log_of_another_kind_has_records_that_cannot_be_read(self) -> None:
        files = {name: BUNDLE[name].replace(b"shop/audit/a", b"shop/metric/a") for name in READ}
        assert "record.json" in failed(check.check(files, [key(FIRST)]))

    def test_other_files_are_named_as_not_checked(self) -> None:
        files = {**BUNDLE, "translation.pdf": b"", "timestamp.tsr": b""}
        report = check.check(files, [key(FIRST)])
        assert report.holds
        assert {"README.txt", "translation.pdf", "verifier-keys.txt"} < set(report.not_checked)
        assert any("openssl ts -verify" in what for what in report.not_checked)


class TestKeys:
    def test_a_signature_of_another_key_is_refused_and_says_whose_it_is(self) -> None:
        why = failed(check.check(BUNDLE, [key(STRANGER)]))["signature"]
        assert str(key(FIRST)) in why

    def test_the_key_of_another_log_is_not_believed(self) -> None:
        other = check.parse_key(str(FIRST.verifier_key("shop/audit/b")))
        assert "shop/audit/a" in failed(check.check(BUNDLE, [other]))["signature"]

    def test_a_key_without_a_name_is_one_of_any_log(self) -> None:
        assert check.check(BUNDLE, [check.Key("", check.ED25519, FIRST.ed25519.public_key)]).holds

    def test_one_wrong_signature_of_a_known_key_refuses_although_another_is_right(self) -> None:
        wrong = NoteSignature(LOG.origin, key(STRANGER).key_id, bytes(64))
        note = SignedNote(NOTE.text, (*NOTE.signatures, wrong))
        assert check.check(LOG.bundle(5, note), [key(FIRST)]).holds
        assert "wrong" in failed(check.check(LOG.bundle(5, note), [key(FIRST), key(STRANGER)]))["signature"]

    def test_an_ml_dsa_signature_that_was_asked_for_has_to_be_there_and_to_hold(self) -> None:
        both = signer_of(1, ml_dsa=True)
        note = LOG.checkpoint(11, both)
        report = check.check(LOG.bundle(5, note), keys(both))
        assert failed(report) == {}
        assert all(str(one) in says(report, "signature") for one in keys(both))
        assert "type 6" in failed(check.check(BUNDLE, keys(both)))["signature"]
        second = note.signatures[1]
        for blob in (bytes(8) + bytes(2420), second.signature[:-1], bytes(7), b"\xff" + second.signature[1:]):
            broken = SignedNote(note.text, (note.signatures[0], replace(second, signature=blob)))
            assert "wrong" in failed(check.check(LOG.bundle(5, broken), keys(both)))["signature"]

    def test_an_ml_dsa_signature_that_was_not_asked_for_is_not_checked(self) -> None:
        both = signer_of(1, ml_dsa=True)
        report = check.check(LOG.bundle(5, LOG.checkpoint(11, both)), [key(FIRST)])
        assert report.holds
        assert f"a signature by {keys(both)[1]}" in report.not_checked

    def test_a_cryptography_that_knows_no_ml_dsa_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)
        both = signer_of(1, ml_dsa=True)
        files = LOG.bundle(5, LOG.checkpoint(11, both))
        assert "installed cryptography" in failed(check.check(files, keys(both)))["signature"]
        assert check.check(files, keys(both)[:1]).holds

    def test_an_ml_dsa_key_alone_is_enough(self) -> None:
        both = signer_of(1, ml_dsa=True)
        assert check.check(LOG.bundle(5, LOG.checkpoint(11, both)), keys(both)[1:]).holds


class TestKeyChanges:
    """The first key signs up to 6 entries, the second up to 9, the third from then on."""

    CHANGES = (LOG.key_change(6, 2, FIRST, SECOND), LOG.key_change(9, 5, SECOND, THIRD))

    def report(
        self, size: int, signer: Signer, believed: Signer, changes: tuple[str, ...] = CHANGES, log: MemoryLog = LOG
    ) -> check.Report:
        files = LOG.bundle(2, log.checkpoint(size, signer), key_changes=changes)
        return check.check(files, [key(believed)])

    @pytest.mark.parametrize("believed", [FIRST, SECOND, THIRD])
    @pytest.mark.parametrize(
        ("size", "signer"),
        [
            *((size, FIRST) for size in (3, 5, 6)),
            *((size, SECOND) for size in (6, 7, 9)),
            *((size, THIRD) for size in (9, 10, 13)),
        ],
    )
    def test_one_key_is_enough_and_the_one_in_force_has_signed(
        self, size: int, signer: Signer, believed: Signer
    ) -> None:
        report = self.report(size, signer, believed)
        assert failed(report) == {}
        assert says(report, "signature").endswith(str(key(signer)))

    @pytest.mark.parametrize(
        ("size", "signer"), [(7, FIRST), (13, FIRST), (5, SECOND), (10, SECOND), (8, THIRD), (3, THIRD), (7, STRANGER)]
    )
    def test_a_key_that_is_not_in_force_is_refused(self, size: int, signer: Signer) -> None:
        assert "not signed by what is in force" in failed(self.report(size, signer, FIRST))["signature"]

    def test_a_key_that_has_nothing_to_do_with_the_changes_is_not_believed(self) -> None:
        assert set(failed(self.report(7, SECOND, STRANGER))) == {"key changes", "signature"}

    def test_changes_at_the_same_size_let_each_key_sign_there(self) -> None:
        changes = (LOG.key_change(6, 2, FIRST, SECOND), LOG.key_change(6, 3, SECOND, THIRD))
        for signer in (FIRST, SECOND, THIRD):
            assert self.report(6, signer, FIRST, changes).holds
        assert not self.report(7, SECOND, FIRST, changes).holds

    def test_a_change_has_to_be_signed_by_both_keys(self) -> None:
        note = parse_note(self.CHANGES[0])
        for signatures in (note.signatures[:1], note.signatures[1:]):
            lone = str(SignedNote(note.text, signatures))
            assert "both" in failed(self.report(7, SECOND, FIRST, (lone,)))["key changes"]
        wrong = str(SignedNote(note.text, (note.signatures[0], replace(note.signatures[1], signature=bytes(64)))))
        assert "wrong" in failed(self.report(7, SECOND, FIRST, (wrong,)))["key changes"]

    def test_a_change_that_the_old_key_never_signed_lets_nobody_in(self) -> None:
        forged = parse_note(LOG.key_change(6, 2, FIRST, STRANGER))
        own = tuple(signature for signature in forged.signatures if signature.key_id == key(STRANGER).key_id)
        assert len(own) == 1
        report = self.report(7, STRANGER, FIRST, (str(SignedNote(forged.text, own)),))
        assert set(failed(report)) == {"key changes", "signature"}

    def test_a_change_that_goes_on_from_another_key_is_refused(self) -> None:
        changes = (self.CHANGES[0], LOG.key_change(9, 5, STRANGER, THIRD))
        assert "does not go on" in failed(self.report(10, THIRD, FIRST, changes))["key changes"]

    def test_changes_that_were_left_out_or_put_in_another_order_are_refused(self) -> None:
        assert not self.report(10, THIRD, FIRST, self.CHANGES[:1]).holds
        assert not self.report(10, THIRD, FIRST, self.CHANGES[1:]).holds
        assert not self.report(10, THIRD, FIRST, self.CHANGES[::-1]).holds
        assert not self.report(10, THIRD, FIRST, (*self.CHANGES, self.CHANGES[1])).holds

    @pytest.mark.parametrize(("size", "number"), [(5, 5), (9, 2), (9, 1)])
    def test_sizes_and_numbers_of_changes_go_up(self, size: int, number: int) -> None:
        changes = (self.CHANGES[0], LOG.key_change(size, number, SECOND, THIRD))
        assert "cannot follow" in failed(self.report(10, THIRD, FIRST, changes))["key changes"]

    def test_a_change_to_a_key_of_a_witness_is_malformed(self) -> None:
        cosigner = Cosigner(LOG.origin, 2).verifier_key
        change = self.CHANGES[0].replace(str(SECOND.verifier_key(LOG.origin)), str(cosigner))
        assert "of a witness" in failed(self.report(7, SECOND, FIRST, (change,)))["files"]

    def test_a_change_to_more_keys_than_a_log_has_is_malformed(self) -> None:
        word = f" {SECOND.verifier_key(LOG.origin)}"
        change = self.CHANGES[0].replace(word, 3 * word)
        assert set(failed(self.report(7, SECOND, FIRST, (change,)))) == {"files"}

    def test_a_change_of_another_log_is_refused(self) -> None:
        other = MemoryLog(LOG.records, replace(LOG.name, writer="b"))
        changes = (other.key_change(6, 2, FIRST, SECOND),)
        assert "another log" in failed(self.report(7, SECOND, FIRST, changes))["key changes"]

    def test_a_change_with_another_root_for_the_same_size_shows_a_fork(self) -> None:
        fork = MemoryLog([audit_record(100 + number) for number in range(13)])
        changes = (fork.key_change(7, 2, FIRST, SECOND),)
        assert "forked" in failed(self.report(7, SECOND, FIRST, changes))["key changes"]

    def test_changes_that_are_not_numbered_without_gaps_are_refused(self) -> None:
        files = LOG.bundle(2, LOG.checkpoint(10, THIRD), key_changes=self.CHANGES)
        files["key-changes/0003"] = files.pop("key-changes/0002")
        assert "numbered" in failed(check.check(files, [key(FIRST)]))["files"]

    def test_all_keys_of_a_change_have_to_sign_from_then_on(self) -> None:
        both = signer_of(2, ml_dsa=True)
        changes = (LOG.key_change(6, 2, FIRST, both),)
        assert self.report(7, both, FIRST, changes).holds
        assert not self.report(7, SECOND, FIRST, changes).holds
        assert self.report(6, FIRST, FIRST, changes).holds

    def test_an_ml_dsa_key_that_was_given_is_asked_for_also_after_a_change(self) -> None:
        before, after = signer_of(1, ml_dsa=True), signer_of(2, ml_dsa=True)
        changes = (LOG.key_change(6, 2, before, after),)
        files = LOG.bundle(2, LOG.checkpoint(7, after), key_changes=changes)
        assert "type 6" in failed(check.check(files, keys(before)))["signature"]
        assert check.check(files, [*keys(before), *keys(after)]).holds
        assert check.check(files, keys(before)[:1]).holds

    def test_an_ml_dsa_key_does_not_vouch_for_a_change_which_it_does_not_sign(self) -> None:
        before, after = signer_of(1, ml_dsa=True), signer_of(2, ml_dsa=True)
        files = LOG.bundle(2, LOG.checkpoint(7, after), key_changes=(LOG.key_change(6, 2, before, after),))
        assert "key changes" in failed(check.check(files, keys(before)[1:]))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("lognotary/v1", "lognotary/v2"),
            (" keys ", " heartbeat "),
            (" 2 ", " 0 "),
            (" 2 ", " 02 "),
            (" after ", " before "),
            (" after ", " after after "),
            (" after ", "  after "),
            (" after ", "\nafter "),
            ("\nlognotary", "\nmore\nlognotary"),
        ],
    )
    def test_what_is_no_statement_about_keys_is_malformed(self, old: str, new: str) -> None:
        change = self.CHANGES[0].replace(old, new, 1)
        assert set(failed(self.report(7, SECOND, FIRST, (change,)))) == {"files"}


class TestWitnesses:
    NOTE = PQ_WITNESS.cosign(WITNESS.cosign(NOTE, 1_767_225_999), 1_767_226_000)
    KEYS = tuple(check.parse_key(str(cosigner.verifier_key)) for cosigner in (WITNESS, PQ_WITNESS))

    def report(self, note: SignedNote, witnesses: tuple[check.Key, ...]) -> check.Report:
        return check.check(LOG.bundle(5, note), [key(FIRST)], witnesses)

    def test_every_witness_that_was_given_has_cosigned_and_its_time_is_shown(self) -> None:
        report = self.report(self.NOTE, self.KEYS)
        assert failed(report) == {}
        assert says(report, "witnesses") == (
            f"cosigned by {self.KEYS[0]} at 2026-01-01T00:06:39.000000000Z, "
            f"cosigned by {self.KEYS[1]} at 2026-01-01T00:06:40.000000000Z"
        )

    def test_a_witness_that_was_not_given_is_not_checked(self) -> None:
        report = self.report(self.NOTE, ())
        assert report.holds
        assert {f"a signature by {one}" for one in self.KEYS} <= set(report.not_checked)

    def test_a_witness_that_did_not_cosign_is_missed(self) -> None:
        assert "not cosigned" in failed(self.report(WITNESS.cosign(NOTE, 1), self.KEYS))["witnesses"]

    @pytest.mark.parametrize("cosigner", [WITNESS, PQ_WITNESS])
    def test_a_cosignature_of_another_time_or_checkpoint_is_wrong(self, cosigner: Cosigner) -> None:
        mine = check.parse_key(str(cosigner.verifier_key))
        right = cosigner.cosign(NOTE, 1_767_225_999).signatures[-1]
        later = replace(right, signature=(1_767_226_000).to_bytes(8, "big") + right.signature[8:])
        elsewhere = cosigner.cosign(LOG.checkpoint(10, FIRST), 1_767_225_999).signatures[-1]
        for wrong in (later, elsewhere, replace(right, signature=b"\xff" + right.signature[1:])):
            report = self.report(SignedNote(NOTE.text, (*NOTE.signatures, wrong)), (mine,))
            assert "wrong" in failed(report)["witnesses"]

    def test_a_witness_may_come_later_than_the_proof(self) -> None:
        files = {**BUNDLE, "checkpoint": str(self.NOTE).encode()}
        assert check.check(files, [key(FIRST)], self.KEYS).holds

    def test_a_time_that_no_calendar_has_is_shown_as_a_number(self) -> None:
        report = self.report(WITNESS.cosign(NOTE, 2**63 - 1), self.KEYS[:1])
        assert f"{2**63 - 1} seconds" in says(report, "witnesses")


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return archive.getvalue()


class TestFiles:
    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    def test_a_zip_file_that_others_packed_is_read(self, method: int, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({"key-changes/": b"", **BUNDLE}, method))
        files = check.read_bundle(file)
        assert {name: files[name] for name in READ} == {name: BUNDLE[name] for name in READ}

    @pytest.mark.parametrize("name", ["record.bin", "record.json", "checkpoint", "key-changes/0001"])
    def test_a_file_that_unpacks_to_a_giant_is_refused_before_it_does(self, name: str, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, name: bytes(130 << 20)}))
        with pytest.raises(check.RefusedError, match="larger"):
            check.read_bundle(file)

    @pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_a_method_of_compression_that_knows_no_limit_is_refused(self, method: int, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped(BUNDLE, method))
        with pytest.raises(check.RefusedError, match="deflate"):
            check.read_bundle(file)

    def test_what_is_neither_a_directory_nor_a_file_is_refused(self) -> None:
        with pytest.raises(check.UnusableError, match="/dev/null is neither a directory nor a zip file"):
            check.read_bundle(Path("/dev/null"))

    def test_a_giant_that_is_not_checked_is_not_read(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, "video.mp4": bytes(32 << 20)}))
        assert check.read_bundle(file)["video.mp4"] == b""

    @pytest.mark.filterwarnings("ignore:Duplicate name")
    def test_a_zip_file_that_has_a_file_twice_is_refused(self, tmp_path: Path) -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            for name, content in [*BUNDLE.items(), ("record.json", b"{}")]:
                file.writestr(name, content)
        (tmp_path / "bundle.zip").write_bytes(archive.getvalue())
        with pytest.raises(check.RefusedError, match="twice"):
            check.read_bundle(tmp_path / "bundle.zip")

    @pytest.mark.parametrize("prefix", ["../", "/", "./", "bundle/", "..\\"])
    def test_names_with_odd_paths_are_no_files_of_a_bundle(self, prefix: str, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({prefix + name: content for name, content in BUNDLE.items()}))
        assert not check.check(check.read_bundle(file), [key(FIRST)]).holds
        assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:0],
            lambda data: data[:2],
            lambda data: data[:-1],
            lambda data: data + b"\0",
            lambda data: data[100:],
            lambda data: bytes(len(data) - 22) + data[-22:],
            lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
            lambda data: data.replace(b"PK\3\4", b"PK\3\5"),
            lambda data: data.replace(b"\x14\0\0\0\x08\0", b"\x14\0\0\0\x63\0"),  # an unknown method of compression
            lambda data: data.replace(b"\x14\0\0\0", b"\x14\0\1\0"),  # encrypted
            lambda data: data[:-10] + b"\xff\xff\xff\xff" + data[-6:],  # a directory of 4 GiB
        ],
    )
    def test_a_zip_file_that_is_broken_is_refused(self, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(damage(zipped(BUNDLE)))
        with pytest.raises(check.RefusedError):
            check.parse(check.read_bundle(file), [], [])

    def test_what_is_no_plain_file_is_not_opened(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        for name, make in (("record.bin", os.mkfifo), ("record.json", Path.mkdir), ("checkpoint", link_to_zeros)):
            (tmp_path / "bundle" / name).unlink()
            make(tmp_path / "bundle" / name)
        why = failed(check.check(check.read_bundle(tmp_path / "bundle"), [key(FIRST)]))
        assert why == {"files": "missing: record.bin, record.json, checkpoint"}

    def test_too_many_key_changes_are_not_read(self, tmp_path: Path) -> None:
        file = tmp_path / "bundle.zip"
        file.write_bytes(zipped({**BUNDLE, **{f"key-changes/{number:04}": b"" for number in range(1, 1002)}}))
        with pytest.raises(check.RefusedError, match="1000"):
            check.read_bundle(file)


def link_to_zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


class TestCommand:
    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        save_bundle(BUNDLE, tmp_path / "bundle")
        return tmp_path / "bundle"

    @pytest.fixture
    def pem(self, tmp_path: Path) -> Path:
        (tmp_path / "public-key.pem").write_bytes(FIRST.public_pem())
        return tmp_path / "public-key.pem"

    def test_it_says_what_was_checked_what_is_proved_and_what_is_not(
        self, bundle: Path, pem: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(bundle, "--public-key", pem) == 0
        printed = capsys.readouterr().out
        assert "✘" not in printed
        for text in (
            "✔ inclusion ",
            "· witnesses ",
            "✔ Proved",
            "shop/audit/a",
            "alice",
            "role.grant",
            "2026-01-01",
            "Not proved: ",
        ):
            assert text in printed

    def test_it_says_what_does_not_hold(self, bundle: Path, pem: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (bundle / "record.bin").write_bytes(LOG.records[4])
        assert run(bundle, "--public-key", pem) == 1
        printed = capsys.readouterr().out
        assert "✘ inclusion " in printed
        assert "✘ The bundle proves nothing" in printed
        assert "Proved:" not in printed

    def test_programs_get_json(self, bundle: Path, pem: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(bundle, "--public-key", pem, "--json") == 0
        report = json.loads(capsys.readouterr().out)
        assert report["holds"] is True
        assert report["proved"]["ActorId"] == "alice"
        assert [step["name"] for step in report["steps"]] == [
            *("files", "inclusion", "checkpoint", "key changes", "signature", "record.json", "witnesses")
        ]
        (bundle / "record.bin").write_bytes(b"")
        assert run(bundle, "--public-key", pem, "--json") == 1
        report = json.loads(capsys.readouterr().out)
        assert (report["holds"], report["proved"]) == (False, None)

    def test_keys_are_given_in_every_form(self, bundle: Path, tmp_path: Path) -> None:
        mine = str(FIRST.verifier_key(LOG.origin))
        (tmp_path / "keys").write_text(f"\n{STRANGER.verifier_key(LOG.origin)}\n  {mine}\n", encoding="utf-8")
        assert run(bundle, "--public-key", mine) == 0
        assert run(bundle, "--public-key", tmp_path / "keys") == 0
        assert run(bundle, "--public-key", str(STRANGER.verifier_key(LOG.origin)), "--public-key", mine) == 0
        assert run(bundle, "--public-key", str(STRANGER.verifier_key(LOG.origin))) == 1

    def test_witnesses_are_given_as_keys(self, tmp_path: Path, pem: Path) -> None:
        save_bundle(LOG.bundle(5, TestWitnesses.NOTE), tmp_path / "bundle.zip")
        witnesses = ["--witness", str(WITNESS.verifier_key), "--witness", str(PQ_WITNESS.verifier_key)]
        assert run(tmp_path / "bundle.zip", "--public-key", pem, *witnesses) == 0
        stranger = Cosigner("witness.example/w3", 7)
        assert run(tmp_path / "bundle.zip", "--public-key", pem, "--witness", str(stranger.verifier_key)) == 1

    def test_what_cannot_be_read_is_another_status_than_what_does_not_hold(
        self, bundle: Path, pem: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        broken = tmp_path / "broken"
        mine = str(FIRST.verifier_key(LOG.origin))
        other = generate_private_key(SECP256R1()).public_key()
        pems = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        for content in (
            *(b"", b"\xff", b"-----BEGIN PUBLIC KEY-----\n", pem.read_bytes()[:60], other.public_bytes(*pems)),
            *(mine.replace("shop", "chop").encode(), str(WITNESS.verifier_key).encode(), b"a\x00b"),
        ):
            broken.write_bytes(content)
            assert run(bundle, "--public-key", broken) == 2, content
        assert run(bundle, "--public-key", tmp_path / "nothing") == 2
        assert run(bundle, "--public-key", tmp_path) == 2
        assert run(bundle, "--public-key", "\ud800+12345678+AAAA") == 2
        assert run(bundle, "--public-key", pem, "--witness", mine) == 2
        assert run(bundle, "--public-key", pem, "--witness", pem) == 2
        assert run(tmp_path / "nothing", "--public-key", pem) == 2
        assert run("\udcff\n", "--public-key", pem) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert all(line.startswith("check: ") for line in captured.err.splitlines())
        with pytest.raises(SystemExit) as stopped:
            run(bundle)
        assert stopped.value.code == 2

    def test_what_is_too_long_to_be_shown_says_so(
        self, tmp_path: Path, pem: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = MemoryLog([encode_record(Stream.AUDIT, {"Body": b"x" * 5000})])
        save_bundle(log.bundle(0, log.checkpoint(1, FIRST)), tmp_path / "bundle.zip")
        assert run(tmp_path / "bundle.zip", "--public-key", pem) == 0
        assert "xxx … and more\n" in capsys.readouterr().out

    def test_nothing_that_a_bundle_says_reaches_the_terminal_as_a_command(
        self, tmp_path: Path, pem: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = encode_record(Stream.AUDIT, {"Body": "\x1b[2J\r\n✔ Proved\u202e".encode()})
        log = MemoryLog([record])
        files = {**log.bundle(0, log.checkpoint(1, FIRST)), "\x1b[2J\n": b""}
        save_bundle(files, tmp_path / "bundle.zip")
        assert run(tmp_path / "bundle.zip", "--public-key", pem) == 0
        printed = capsys.readouterr().out
        assert printed.count("\n✔ Proved") == 1
        assert all(character == "\n" or character.isprintable() for character in printed)


_MUTATIONS: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=4), st.sampled_from([b"\n", b"\n\n", b"+", "—".encode(), b" ", b"=", b"9" * 25, b"\xff", b"{}"])
)


@given(st.data())
def test_a_bundle_that_was_changed_anywhere_is_refused_and_nothing_worse_happens(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(READ)))
    content = bytearray(BUNDLE[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(_MUTATIONS)
    report = check.check({**BUNDLE, name: bytes(content)}, [key(FIRST)])
    if report.holds and bytes(content) != BUNDLE[name]:
        # Only what means the same: spaces in JSON, extra data that nobody signed, signatures that nobody checks.
        assert name != "record.bin"
        assert report.proved == check.check(BUNDLE, [key(FIRST)]).proved


class TestProgram:
    """``check.py`` by itself, without the rest of the product."""

    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        save_bundle(BUNDLE, tmp_path / "bundle")
        return tmp_path / "bundle"

    def test_its_exit_status_is_that_of_the_command(self, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        trusted, stranger = (str(signer.verifier_key(LOG.origin)) for signer in (FIRST, STRANGER))
        for public_key, status in ((trusted, 0), (stranger, 1), ("no such key", 2)):
            arguments = [str(bundle), "--public-key", public_key]
            assert check.main(arguments) == status
            monkeypatch.setattr(sys, "argv", ["check.py", *arguments])
            with pytest.raises(SystemExit) as ended:
                runpy.run_path(str(CHECK), run_name="__main__")
            assert ended.value.code == status

    def test_what_cannot_be_taken_for_a_bundle_is_reported_as_one_that_proves_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "bundle.zip").write_bytes(bytes(100))
        assert check.main([str(tmp_path / "bundle.zip"), "--public-key", str(FIRST.verifier_key(LOG.origin))]) == 1
        printed = capsys.readouterr().out
        assert "✘ files        the file is not a valid zip file" in printed
        assert "The bundle proves nothing" in printed

    def test_the_report_is_written_to_any_stream(self, bundle: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert check.main([str(bundle), "--public-key", str(FIRST.verifier_key(LOG.origin))]) == 0
        assert "✔ Proved" in out.getvalue()

    def test_a_file_that_cannot_be_read_is_named_with_why(self, capsys: pytest.CaptureFixture[str]) -> None:
        # A plain file by its looks, whose first bytes nobody may read, root neither.
        assert check.main(["/proc/self/mem", "--public-key", str(FIRST.verifier_key(LOG.origin))]) == 2
        assert "check: /proc/self/mem cannot be read: input/output error" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (
                ["{}/none", "--public-key", str(FIRST.verifier_key(LOG.origin))],
                "there is no file {}/none: check the path",
            ),
            (["{}", "--public-key", "{}/none"], "there is no file {}/none: give a file, or a verifier key"),
        ],
    )
    def test_a_missing_file_is_said_to_be_missing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
    ) -> None:
        assert check.main([argument.format(tmp_path) for argument in arguments]) == 2
        assert f"check: {said.format(tmp_path)}" in capsys.readouterr().err

    @pytest.mark.parametrize("material", [b"\x01" + bytes(31), b"\x01" + bytes(33), b"\x7f" + bytes(32), b"\x01"])
    def test_a_key_of_another_type_or_size_is_refused(self, material: bytes) -> None:
        with pytest.raises(check.RefusedError, match="another size"):
            check.parse_key(f"shop+00000000+{base64.b64encode(material).decode()}")
