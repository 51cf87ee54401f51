"""``lognotary check`` and ``check.py`` as programs: arguments, output, exit status."""

from __future__ import annotations

import base64
import contextlib
import errno
import io
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from harness.bundles import Cosigner, MemoryLog, encode_record
from server import check, cli
from server.commands.bundles import save_bundle
from server.notary.origin import Stream
from tests.checked_bundles import BUNDLE, CHECK, FIRST, LOG, PQ_WITNESS, STRANGER, WITNESS, WITNESSED


def run(*arguments: str | Path) -> int:
    return cli.main(["check", *map(str, arguments)])


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    (tmp_path / "public-key.pem").write_bytes(FIRST.public_pem())
    return tmp_path / "public-key.pem"


class TestCommand:
    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        save_bundle(BUNDLE, tmp_path / "bundle")
        return tmp_path / "bundle"

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
            *("files", "inclusion", "checkpoint", "key changes", "signature", "record.json", "witnesses", "disclosures")
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
        save_bundle(LOG.bundle(5, WITNESSED), tmp_path / "bundle.zip")
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
        assert (
            "✘ files        the file is not a valid zip file of a bundle: if it was exported, give its manifest too"
            in printed
        )
        assert "The bundle proves nothing" in printed

    def test_a_checkpoint_that_is_given_alone_is_told_from_a_broken_bundle(
        self, bundle: Path, pem: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        checkpoint = bundle.with_name("checkpoint")
        checkpoint.write_text(f"{LOG.origin}\n1\n{'A' * 43}=\n\n— {LOG.origin} AAAA\n", encoding="utf-8")
        assert check.main([str(checkpoint), "--public-key", str(pem)]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert "a signed note, such as a checkpoint or a manifest" in said.err
        assert "'lognotary verify --checkpoint FILE'" in said.err

    def test_the_report_is_written_to_any_stream(self, bundle: Path) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            assert check.main([str(bundle), "--public-key", str(FIRST.verifier_key(LOG.origin))]) == 0
        assert "✔ Proved" in out.getvalue()

    def test_a_report_that_cannot_be_written_is_no_verdict(self, bundle: Path, pem: Path) -> None:
        with Path("/dev/full").open("w") as full:
            command = [sys.executable, str(CHECK), str(bundle), "--public-key", str(pem)]
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("check: the report cannot be written: No space left on device")

    @pytest.mark.parametrize(
        ("error", "status"), [(OSError(errno.ENOSPC, "No space left on device"), 2), (BrokenPipeError(), None)]
    )
    def test_errors_of_the_output_are_told_from_each_other(
        self, bundle: Path, pem: Path, error: OSError, status: int | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, file: object = None, flush: bool = False) -> None:
            if file is None or flush:
                raise error

        monkeypatch.setattr(check, "print", refuse, raising=False)
        if status is None:
            with pytest.raises(BrokenPipeError):
                check.main([str(bundle), "--public-key", str(pem)])
        else:
            assert check.main([str(bundle), "--public-key", str(pem)]) == status

    def test_too_little_memory_is_no_verdict(
        self, bundle: Path, pem: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def refuse(_: Path) -> NoReturn:
            raise MemoryError

        monkeypatch.setattr(check, "_read_bundle", refuse)
        assert check.main([str(bundle), "--public-key", str(pem)]) == 2
        assert "not enough memory" in capsys.readouterr().err

    def test_a_file_that_cannot_be_read_is_named_with_why(self, capsys: pytest.CaptureFixture[str]) -> None:
        # It looks like a regular file, but not even root may read its first bytes.
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
