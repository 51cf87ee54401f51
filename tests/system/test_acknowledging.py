"""``lognotary findings`` against a real server, and ``lognotary verify`` after it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.lognotary_server import LognotaryServer, kinds, read_verification, run_lognotary
from harness.otlp_load import log_record, send
from server.notary.acknowledgement import KEY_NAME, open_acknowledgement
from server.notary.keys import VerifierKey
from server.notary.signers import Ed25519Key, public_pem
from storage.clickhouse import connect
from storage.url import parse_storage_url


def change(server: LognotaryServer, before: str, after: str) -> None:
    engine = connect(parse_storage_url(server.storage_url))
    engine.execute(f"ALTER TABLE otel_logs UPDATE Body = '{after}' WHERE Body = '{before}' SETTINGS mutations_sync = 2")
    engine.close()


def findings(server: LognotaryServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = [] if arguments[0] == "list" else ["--data-dir", str(server.data_dir)]  # a list is the server's own answer
    return server.cli("findings", *arguments, *known)


def test_a_known_finding_is_shown_and_does_not_fail_and_tomorrows_new_one_does(lognotary: LognotaryServer) -> None:
    with lognotary:
        send(lognotary.otlp_grpc, *(log_record(text) for text in ("a", "b", "c")))
    change(lognotary, "a", "x")
    with lognotary:
        [finding], _ = lognotary.verify()
        assert findings(lognotary, "list").returncode == 1
        assert f"finding {finding.id[:16]}" in findings(lognotary, "list").stdout
        none = findings(lognotary, "acknowledge", "0" * 16, "--reason", "no")
        assert (none.returncode, "there is no such finding" in none.stderr) == (1, True)
        for wrong in ([], [finding.id[:4]], [finding.id, "--all"]):
            assert findings(lognotary, "acknowledge", *wrong, "--reason", "no").returncode == 2
        done = findings(lognotary, "acknowledge", finding.id[:16], "--reason", "ticket 12: restored by hand")
        assert done.returncode == 0, done.stderr
        shown = lognotary.cli("verify")
        assert shown.returncode == 0, shown.stdout
        assert "• RECORD_CHANGED (acknowledged)" in shown.stdout
        assert "ticket 12: restored by hand" in shown.stdout
        assert "• 1 finding, all acknowledged, and no other" in shown.stdout
        assert findings(lognotary, "list").returncode == 0
        # An auditor checks the note with the key of the server under the name of acknowledgements.
        exported = run_lognotary("keys", "export", "--origin", KEY_NAME, "--data-dir", str(lognotary.data_dir)).stdout
        note = (lognotary.data_dir / "acknowledgements" / f"{finding.id}.note").read_text()
        assert (
            open_acknowledgement(note, [VerifierKey.parse(exported).public_key]).acknowledgement.finding == finding.id
        )
    change(lognotary, "b", "y")
    with lognotary:
        again, summary = lognotary.verify()
        assert (len(again), summary.acknowledged) == (2, 1)
        shown = lognotary.cli("verify")
        assert (shown.returncode, "✘ 2 findings (1 acknowledged)" in shown.stdout) == (1, True)
    alone = ["verify", "--json", "--storage", lognotary.storage_url]
    found, summary = read_verification(run_lognotary(*alone, "--data-dir", str(lognotary.data_dir)).stdout)
    assert (kinds(found), summary.acknowledged) == ({"RECORD_CHANGED"}, 1)
    # Without the data directory, acknowledgements count that are given.
    alone += ["--public-key", str(lognotary.public_key)]
    assert read_verification(run_lognotary(*alone).stdout)[1].acknowledged == 0
    given = run_lognotary(*alone, "--acknowledgements", str(lognotary.data_dir / "acknowledgements"))
    assert read_verification(given.stdout)[1].acknowledged == 1


def test_an_operator_signs_with_a_key_of_their_own(lognotary: LognotaryServer, tmp_path: Path) -> None:
    with lognotary:
        send(lognotary.otlp_grpc, *(log_record(text) for text in ("a", "b")))
    change(lognotary, "a", "x")
    key = Ed25519Key.generate()
    (tmp_path / "operator.pem").write_bytes(key.to_pem())
    (tmp_path / "operator.pem").chmod(0o600)
    (tmp_path / "operator.pub").write_bytes(public_pem(key.public_key))
    notes = tmp_path / "notes"
    sign = ["acknowledge", "--all", "--reason", "known", "--key", str(tmp_path / "operator.pem"), "-o", str(notes)]
    with lognotary:
        assert findings(lognotary, *sign).returncode == 0
        refused = lognotary.cli("verify", "--acknowledgements", str(notes))
        [file] = notes.iterdir()
        assert refused.returncode == 2
        assert refused.stderr.startswith(f"lognotary: --acknowledgements: {file}: the acknowledgement of the finding ")
        who = ("--acknowledgement-key", str(tmp_path / "operator.pub"))
        assert lognotary.cli("verify", "--acknowledgements", str(notes), *who).returncode == 0
        (tmp_path / "operator.pem").chmod(0o644)
        assert "chmod 600" in findings(lognotary, *sign).stderr
