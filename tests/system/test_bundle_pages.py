"""``lognotary prove -o record.html`` on a real server, and the file in a real browser, opened from ``file://``."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from harness.browser import browser, tab
from harness.explorer import require_bundle_page
from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.evidence_pb2 import Log
from server import check
from server.explorer.bundle_page import bundle_page
from tests.explorer.bundles.opened import HOSTILE, PROVED, REFUTED, UNPINNED, opened_file
from tests.system.evidence_logs import OTHER_KEY, audit_log

LARGE = HOSTILE.replace("\x00", "") * 10_000  # more than 1.5 MB in UTF-8


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LognotaryServer]:
    """A server with two audit records, of which the second one is hostile and large."""
    require_bundle_page()
    directory = tmp_path_factory.mktemp("pages")
    with LognotaryServer(f"chdb://{directory / 'chdb'}", directory / "data", batch_age=0.02) as started:
        send(started.otlp_grpc, log_record("a refund", audit_actor_id="alice", audit_action="refund"))
        send(started.otlp_grpc, log_record(LARGE, audit_actor_id=HOSTILE.replace("\x00", ""), audit_action="</script>"))
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def prove(server: LognotaryServer, leaf: int, path: Path) -> Log:
    """Write the page of an audit record, and return its log."""
    log = audit_log(server)
    done = server.cli("prove", f"{log.origin}#{leaf}", "-o", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "it shows the record in a browser, and checks itself there" in done.stdout
    assert f"lognotary check {path} --public-key" in done.stdout
    return log


def test_it_proves_its_record_to_whoever_has_the_key(
    server: LognotaryServer, chromium: Browser, tmp_path: Path
) -> None:
    log = prove(server, 0, tmp_path / "record.html")
    with opened_file(chromium, tmp_path / "record.html") as page:
        assert "nobody has checked who signed this" in page.verdict(UNPINNED)
        assert (page.field("ActorId"), page.field("Body")) == ("alice", "a refund")
        page.give(server.public_key.read_text(encoding="utf-8"))
        assert f"entry 0 of the log {log.origin}" in page.verdict(PROVED)
        page.give(OTHER_KEY)
        assert "signature: " in page.verdict(REFUTED)
        page.give(server.verifier_keys.read_text(encoding="utf-8"))
        page.verdict(PROVED)
        steps = page.steps()
    done = run_lognotary("check", str(tmp_path / "record.html"), "--public-key", str(server.public_key), "--json")
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["proved"]["ActorId"] == "alice"
    assert [step["name"] for step in report["steps"]] == list(steps)


@pytest.mark.parametrize(
    ("name", "at", "step"),
    [("record.bin", 60, "inclusion"), ("record.tlog-proof", 45, "inclusion"), ("checkpoint", -12, "signature")],
)
def test_a_changed_byte_is_refused_and_named(
    server: LognotaryServer, chromium: Browser, name: str, at: int, step: str, tmp_path: Path
) -> None:
    prove(server, 0, tmp_path / "record.html")
    files = check.read_bundle(tmp_path / "record.html")
    at %= len(files[name])
    other = bytes((files[name][at] ^ 1,))
    files[name] = files[name][:at] + other + files[name][at + 1 :]
    (tmp_path / "changed.html").write_bytes(bundle_page(require_bundle_page(), files))
    with opened_file(chromium, tmp_path / "changed.html") as page:
        assert "damaged or forged" in page.verdict(REFUTED)
        page.give(server.public_key.read_text(encoding="utf-8"))
        page.tab.page.wait_for_selector(".given-keys li")
        assert f"{step}: " in page.verdict(REFUTED) or "files: " in page.verdict(REFUTED)
    done = run_lognotary("check", str(tmp_path / "changed.html"), "--public-key", str(server.public_key))
    assert (done.returncode, f"✘ {step} " in done.stdout or "✘ files " in done.stdout) == (1, True)


def test_a_hostile_record_is_shown_as_text(server: LognotaryServer, chromium: Browser, tmp_path: Path) -> None:
    prove(server, 1, tmp_path / "record.html")
    with opened_file(chromium, tmp_path / "record.html") as page:
        page.give(server.public_key.read_text(encoding="utf-8"))
        page.verdict(PROVED)
        shown = page.field("Body")
        assert shown.startswith("<script>alert(1)</script><img src=x onerror=alert(2)>")
        assert "U+202E" in shown
        assert "more characters" in shown
        assert page.field("Action") == "</script>"
        assert page.tab.page.locator("#app").locator("script, img, a, iframe, object").count() == 0
    assert run_lognotary("check", str(tmp_path / "record.html"), "--public-key", str(server.public_key)).returncode == 0


def test_the_api_gives_the_same_file_as_a_download(server: LognotaryServer, chromium: Browser, tmp_path: Path) -> None:
    log = prove(server, 0, tmp_path / "record.html")
    address = f"{server.http}/api/v1/logs/{log.log_id}/bundle?leaf_index=0"
    expected = (tmp_path / "record.html").read_bytes()
    assert httpx.get(f"{address}&format=html", timeout=60).content == expected
    with tab(chromium) as opened, opened.page.expect_download() as downloading:
        opened.page.goto("about:blank")
        opened.page.evaluate("address => { location.href = address; }", f"{address}&format=html")
    assert downloading.value.suggested_filename == f"{log.origin.replace('/', '-')}-0.html"
    if shutil.which("curl"):
        subprocess.run(["curl", "-sSfOJ", address], cwd=tmp_path, check=True, timeout=60)
        written = tmp_path / f"{log.origin.replace('/', '-')}-0.zip"
        assert check.read_bundle(written) == check.read_bundle(tmp_path / "record.html")
