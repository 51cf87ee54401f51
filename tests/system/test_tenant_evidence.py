"""Evidence of one tenant alone: what an auditor who is limited to a tenant hands over, and who can check it offline."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.lognotary_server import run_lognotary
from harness.waiting import wait_for
from tests.checked_bundles import CHECK
from tests.system.test_tenant_drops import sent_by_tenants, server_on, token


def check_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run check.py as its recipients do: as a file, beside nothing of Lognotary."""
    return subprocess.run(
        [sys.executable, "-I", str(CHECK), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_export_and_bundles_of_a_tenant_have_nothing_of_others_and_prove_themselves(tmp_path: Path) -> None:
    handed = tmp_path / "handed"
    handed.mkdir()
    file, manifest, bundle = handed / "shop.ndjson", handed / "shop.manifest", handed / "bundle"
    with server_on(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", workers=1) as server:
        sent_by_tenants(server)
        auditor = token(server, "ada", "--tenant", "shop", "--role", "auditor", "--role", "viewer")
        limited = ("--token-file", str(auditor))
        wait_for(lambda: server.cli("checkpoint", "--list", *limited).returncode == 0)
        exported = server.cli("export", "-o", str(file), "--manifest", str(manifest), *limited)
        assert exported.returncode == 0, exported.stderr
        proved = server.cli("prove", "lognotary/shop/audit/vm#1", "-o", str(bundle), *limited)
        assert proved.returncode == 0, proved.stderr
        checkpoint = server.cli("checkpoint", "--log", "lognotary/shop/audit/vm", *limited)
        (handed / "checkpoint").write_text(checkpoint.stdout)
        assert server.verify(*limited)[1].findings == 0
        looked = server.cli("audit", "--access", "--actor", "nobody", *limited)
        assert (looked.returncode, "create a token with --all-tenants" in looked.stdout) == (1, True)
        for other in ("lognotary/garage/audit/vm#1", "lognotary/audit/vm#0"):
            refused = server.cli("prove", other, "-o", str(handed / "other"), *limited)
            assert refused.returncode == 1
            assert "there is no log" in refused.stderr
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert {row["Tenant"] for row in rows} == {"shop"}
    assert {row["Origin"] for row in rows} == {f"lognotary/shop/{stream}/vm" for stream in ("audit", "operational")}
    for path in handed.rglob("*"):
        assert path.is_dir() or b"garage" not in path.read_bytes(), path
    exported = run_lognotary(
        "keys", "export", "--verifier-keys", "--tenant", "shop", "--data-dir", str(server.data_dir)
    )
    (handed / "shop.keys").write_text(exported.stdout)
    assert "garage" not in exported.stdout
    key = ("--public-key", str(server.public_key))
    for checked in ((str(file), str(manifest)), (str(bundle),)):
        for keys in (key, ("--public-key", str(handed / "shop.keys"))):
            for done in (check_alone(*checked, *keys), run_lognotary("check", *checked, *keys)):
                assert done.returncode == 0, done.stdout + done.stderr
                assert "no key that was given" not in done.stdout  # else a checkpoint was not checked
    file.write_bytes(file.read_bytes().replace(b'"line 1"', b'"line 9"', 1))
    assert check_alone(str(file), str(manifest), *key).returncode == 1
