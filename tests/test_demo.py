import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.lacking import lacking
from harness.signals import not_ignored
from harness.waiting import PATIENCE
from lognotary.v1 import evidence_pb2
from server.demo import run_demo, story
from server.demo.server_process import ServerFailedError, running_server
from server.demo.shop import Shop
from server.notary.trust import fingerprint, read_public_pem

# The first words of the headings, in order.
STEPS = (
    "A server starts",
    "Four services",
    "What happened",
    "Every signature",
    "The server stops",
    "The server starts",
    "The trace",
)


# The highest number of open files that select() and its like know.
FD_SETSIZE = 1024


def demo(*, temporary: Path) -> list[str]:
    return ["env", f"TMPDIR={temporary}", sys.executable, "-m", "server", "demo"]


def test_demo_shows_the_main_job(tmp_path: Path) -> None:
    result = subprocess.run(demo(temporary=tmp_path), capture_output=True, text=True, timeout=120, check=False)

    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    sections = re.split(r"^\d\. ", result.stdout, flags=re.MULTILINE)[1:]
    assert [section.startswith(step) for section, step in zip(sections, STEPS, strict=True)] == [True] * 7
    _, _, before, verified, change, found, after = sections

    assert before.count("✔ 17 entries verified") == 1
    assert "✘" not in before
    assert before.count("▶") == 4
    assert re.search(r"AUDIT +bob refund\.approve on order 1047 .*→ success", before)
    assert "✔ 417 records in" in verified
    leaf = re.search(r"UPDATE ActorId = 'alice' WHERE LogId = '\w{16}' AND LeafIndex = (\d+)", change)
    assert leaf is not None
    assert f"RECORD_CHANGED  record {leaf[1]} of shop/audit/" in found
    assert "✘ 1 finding; verified 416 of 417 records" in found
    assert after.count("✘ of 17 entries: 1 tampered with, 16 verified") == 1
    assert after.count("└ ✘ tampered: content does not match what was signed") == 1
    assert re.search(r"^✘ .*AUDIT +alice refund\.approve on order 1047 .*→ success$", after, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []
    assert "http://" not in after  # the server has stopped
    assert after.endswith("run lognotary demo --keep: it leaves the server running, and prints the address.\n")

    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    for number, section in enumerate(sections[2:], 3):
        assert f"{number}. {section.splitlines()[0]}\n" in readme  # its excerpt of the output is still what is printed


def test_demo_fails_if_nothing_was_changed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def change_nothing(data_dir: Path, evidence: evidence_pb2.Evidence) -> str:
        return f"leaf {evidence.leaf_index} in {data_dir} stays as it is"

    monkeypatch.setattr(story, "change_record", change_nothing)

    assert run_demo() == 1
    assert "not go as expected: verification has 0 findings, not 1" in capsys.readouterr().err


def test_demo_fails_if_a_record_does_not_arrive(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Shop, "sent", property(lambda shop: sum(s.sent for s in shop.services) + 1))

    assert run_demo() == 1
    assert "not go as expected: 417 records were verified, not 418" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_demo_that_is_kept_leaves_the_server_running_with_the_changed_record(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with not_ignored(number):
        command = [*demo(temporary=tmp_path), "--keep"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        told: list[str] = []
        for line in process.stdout:
            told.append(line)
            if line.startswith("Its data is in "):
                break
        [directory] = tmp_path.glob("lognotary-demo-*")
        assert line == f"Its data is in {directory}. Ctrl-C stops the server and removes the directory.\n"
        [page] = [line.strip() for line in told if line.startswith("  http://")]
        shown = httpx.get(page, headers={"Accept": "text/html"})
        assert shown.status_code in (200, 501)  # 501 if the explorer was not built here
        assert shown.headers["content-type"].startswith("text/html")
        trace = httpx.get(page, headers={"Accept": "*/*"}, follow_redirects=True, timeout=60).json()
        entries = [entry.get("auditEvent") or entry.get("log") or entry["span"] for entry in trace["entries"]]
        states = [entry["evidence"]["state"] for entry in entries]
        assert sorted(set(states)) == ["TAMPERED", "VERIFIED"]
        assert states.count("TAMPERED") == 1
        _assert_that_commands_reach_it("".join(told), page.partition("/trace/")[2])
        process.send_signal(number)
        rest, errors = process.communicate(timeout=PATIENCE)

    assert (process.returncode, errors) == (status, "")
    assert ("The server stops, and the temporary directory is removed." in rest) is (number == signal.SIGINT)
    assert not _running_with(str(directory))
    assert list(tmp_path.iterdir()) == []


def test_demo_that_is_kept_ends_if_its_server_does(tmp_path: Path) -> None:
    def lose() -> None:
        with running_server(tmp_path) as server:
            [process] = _processes_with(str(tmp_path))
            os.kill(int(process), signal.SIGKILL)
            server.wait()

    with pytest.raises(ServerFailedError, match="the server exited with status -9"):
        lose()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_leaves_nothing_behind_when_it_is_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    with not_ignored(number):
        process = subprocess.Popen(demo(temporary=tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"Receiving OTLP" in line:
                break
        [directory] = tmp_path.glob("lognotary-demo-*")
        lock = directory / "data" / "lock"
        assert lock.exists()
        process.send_signal(number)
        process.communicate(timeout=60)

    assert process.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert not _running_with(str(directory))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def _many_open_files() -> Iterator[None]:
    """All descriptors below FD_SETSIZE are taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * FD_SETSIZE:
        lacking(f"a process may have no more than {hard} open files here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * FD_SETSIZE), hard))
    opened = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while opened[-1] < FD_SETSIZE:
            opened.append(os.dup(opened[0]))
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_many_open_files")
def test_demo_starts_its_server_from_a_process_with_many_open_files(tmp_path: Path) -> None:
    with running_server(tmp_path) as addresses:
        assert addresses.otlp_grpc != addresses.api_grpc


def test_demo_says_how_to_install_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "server.demo.story")
    monkeypatch.delitem(sys.modules, "server.demo.shop")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk._logs", None)

    assert run_demo() == 2
    assert "pip install 'lognotary[demo]'" in capsys.readouterr().err


def _assert_that_commands_reach_it(told: str, trace_id: str) -> None:
    [variable, address] = re.findall(r"^  export (\w+)=(\S+)$", told, re.MULTILINE)[0]
    command = [sys.executable, "-m", "server", "trace", trace_id]
    traced = subprocess.run(
        command, env={**os.environ, variable: address}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert "1 tampered with" in traced.stdout, traced.stderr

    [key] = re.findall(r"signs with the key ([0-9a-f]{16})\. To pin it at http://127\.0\.0\.1:\d+/trust,", told)
    [file] = re.findall(r"^  (/.+\.pem)$", told, re.MULTILINE)
    assert fingerprint(read_public_pem(Path(file).read_text(encoding="ascii"))) == key


def _running_with(argument: str) -> list[str]:
    """Processes with a text in their command line."""
    return list(_processes_with(argument).values())


def _processes_with(argument: str) -> dict[str, str]:
    """IDs of processes with a text in their command line, with that."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended meanwhile
        if argument in command:
            found[file.parent.name] = command
    return found
