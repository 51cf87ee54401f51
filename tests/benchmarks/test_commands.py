"""The benchmarks run and say what they are about; what they measure is not looked at."""

import importlib
import json
from pathlib import Path

import pytest

from benchmarks import __main__ as main
from benchmarks import bill, codec, ingest, layout, lookups, many_logs, proofs, receiver, verify
from benchmarks.bill_systems import parse_peer
from harness.clickhouse_source import ServerUnavailableError, find_server
from harness.lacking import lacking

_MODULES = [*main._BENCHMARKS, "loader", "receiver_server"]


@pytest.mark.parametrize("name", _MODULES)
def test_each_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        importlib.import_module(f"benchmarks.{name}").main(["--help"])
    assert f"python -m benchmarks.{name}" in capsys.readouterr().out


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main.main([])
    assert len(capsys.readouterr().out.splitlines()) == len(main._BENCHMARKS)


def test_the_readme_says_what_each_measures() -> None:
    readme = Path(main.__file__).with_name("README.md").read_text(encoding="utf-8")
    assert [name for name in main._BENCHMARKS if f"\n| `{name}` |" not in readme] == []


def test_a_json_line_tells_what_was_measured_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codec.main(["--records=40", "--distinct=2", "--rounds=2", "--codec=reference", "--json", f"--out={tmp_path}"])
    line = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "codec.jsonl").read_text()) == line
    assert line["benchmark"] == "codec"
    assert line["parameters"]["records"] == 40
    assert line["machine"].keys() == {"cpu", "cores", "kernel", "memory_mib"}
    assert {"python", "lognotary", "grpcio", "protobuf", "chdb"} <= line["versions"].keys()
    assert all(figure["rounds"] == 2 for figure in line["figures"])
    assert [ratio["what"] for ratio in line["ratios"]] == [
        "reference codec / FromString",
        "reference codec / FromString, with freeing",
        "reference codec, redacting / FromString",
        "reference codec, redacting / FromString, with freeing",
        "reference codec, redacting / not",
        "spans: reference codec / FromString",
        "spans: reference codec / FromString, with freeing",
        "spans: reference codec, redacting / FromString",
        "spans: reference codec, redacting / FromString, with freeing",
        "spans: reference codec, redacting / not",
    ]


def test_the_receivers_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    receiver.main(["--records=16", "--rounds=1", "--seconds=0.2", "--small-clients=2", "--large-clients=1"])
    assert "16 records: CPU of aio / sync" in capsys.readouterr().out


def test_ingest_checks_that_all_records_arrived(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    shape = ["--records=64", "--distinct=2", "--ready-rows=200"]
    ingest.main([*shape, "--rounds=1", "--seconds=0.5", "--clients=2", "--batch-age=0.05", "--json"])
    line = json.loads(capsys.readouterr().out)
    assert "both / ready-made" in {ratio["what"] for ratio in line["ratios"]}
    assert any("records stored and signed; parts were not merged" in note for note in line["notes"])


def test_the_bill_counts_cpu_and_disk_of_each_system(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    bill.main(["--total=2000", "--records=500", "--clients=2", "--systems", "lognotary", "embedded", "--json"])
    line = json.loads(capsys.readouterr().out)
    figures = {figure["what"]: figure["median"] for figure in line["figures"]}
    for system in ("lognotary", "embedded", "ready-made, no index"):
        assert figures[f"{system}: CPU in all"] > 0
        assert figures[f"{system}: on disk"] > 0
    assert figures["lognotary: table log_tiles"] > 32
    assert figures["lognotary: table otel_logs"] > 0
    assert not [what for what in figures if what.startswith("ready-made, no index: index")]
    assert {ratio["what"] for ratio in line["ratios"]} >= {"on disk, lognotary / embedded"}


def test_each_layout_is_measured_with_the_lookups_that_it_serves(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    layout.main(["--total=8192", "--variants", "as it is", "the first layout", "--json"])
    line = json.loads(capsys.readouterr().out)
    figures = {figure["what"]: figure["median"] for figure in line["figures"]}
    assert figures["the first layout: indexes"] > figures["as it is: indexes"] > 0
    for variant in ("as it is", "the first layout"):
        for lookup in ("a trace", "an attribute", "a rare word", "the word 'failed'"):
            assert figures[f"{variant}: {lookup}, again"] > 0


def test_many_logs_are_measured_with_one_commit_for_all_and_with_one_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    sizes = ["--total=240", "--records=5", "--requests=12"]  # 4 commits
    many_logs.main([*sizes, "--logs", "1", "6", "--apart", "6", "--rounds=1", "--json"])
    line = json.loads(capsys.readouterr().out)
    figures = {figure["what"]: figure["median"] for figure in line["figures"]}
    inserts = [figures[f"{name}: INSERTs"] for name in ("1 log", "6 logs", "6 logs, a commit for each")]
    assert inserts == [12, 12, 72]
    assert figures["6 logs: the writer's CPU"] > 0


def test_spans_have_a_bill_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    bill.main(["--spans", "--total=2000", "--records=400", "--clients=2", "--systems", "lognotary", "--json"])
    line = json.loads(capsys.readouterr().out)
    figures = {figure["what"]: figure["median"] for figure in line["figures"]}
    assert figures["lognotary: table otel_traces"] > 0
    assert "CPU in all, lognotary / ready-made, no index" in {ratio["what"] for ratio in line["ratios"]}


def test_lookups_are_measured_in_a_directory_that_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    flags = ["--total=40960", f"--data={tmp_path}", "--calls=3", "--json"]
    lookups.main(flags)
    first = json.loads(capsys.readouterr().out)
    assert {figure["what"] for figure in first["figures"]} >= {
        "an actor's first page, warm: p99",
        "facets of 24 hours, cold: p50",
        "traces of an actor with errors, 7 days, warm: p50",
    }
    lookups.main([*flags, "--plain"])
    again = json.loads(capsys.readouterr().out)
    assert any("the plain exporter's table" in ratio["what"] for ratio in again["ratios"])
    with pytest.raises(RuntimeError, match="has other content"):
        lookups.main([*flags, "--seed=2"])


def test_a_peer_is_a_name_a_url_and_a_command() -> None:
    peer = parse_peer("mine=http://127.0.0.1:9428/v1/logs ./mine --data {directory}")
    assert (peer.name, peer.url) == ("mine", "http://127.0.0.1:9428/v1/logs")
    assert peer.command == "./mine --data {directory}"
    for wrong in ("mine", "mine=http://x/", "=http://x/ y", "mine=x y"):
        with pytest.raises(ValueError, match="is not NAME=URL COMMAND"):
            parse_peer(wrong)


def test_verification_is_held_against_reading(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    verify.main(["--records=64", "--distinct=2", "--total=500", "--rounds=1", "--json"])
    line = json.loads(capsys.readouterr().out)
    assert "verifying / reading" in {ratio["what"] for ratio in line["ratios"]}
    assert any(note.startswith("512 records in parts: ") for note in line["notes"])


def test_proofs_are_made_from_a_log_that_was_written_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        find_server(controllable=True)
    except ServerUnavailableError as error:
        lacking(f"no ClickHouse server: {error}")
    proofs.main(["--entries=3000", "--batch=500", "--calls=5", "--rounds=1", "--json"])
    line = json.loads(capsys.readouterr().out)
    assert "inclusion, first: p99 / 20 ms" in {ratio["what"] for ratio in line["ratios"]}
