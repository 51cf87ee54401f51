"""Files with OTLP logs requests, in all forms, and what is no such file."""

from __future__ import annotations

import gzip
import io
import json
import os
from pathlib import Path

import pytest

from server.codec.otlp_json import request_from_json
from server.codec.signals import Signal
from server.commands import otlp_files
from server.commands.otlp_files import read_raw_lines, read_requests
from server.settings.errors import ConfigError

TRACES = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","kind":2,"traceId":"%s"}]}]}]}' % (b"01" * 16)


def request(*bodies: str) -> bytes:
    records = [{"body": {"stringValue": body}} for body in bodies]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


def pretty(written: bytes) -> bytes:
    return json.dumps(json.loads(written), indent=2).encode()


def message(written: bytes) -> bytes:
    return len(written).to_bytes(4) + written


ONE, TWO = request("one"), request("two", "three")
PROTOBUF, MORE = request_from_json(ONE), request_from_json(TWO)
BODIES = [(1, [b"one"]), (2, [b"two", b"three"])]


def read(path: Path) -> list[tuple[int, list[bytes]]]:
    return [(each.line, each.records.body_text) for each in read_requests(str(path))]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ONE, [(1, [b"one"])]),
        (ONE + b"\n", [(1, [b"one"])]),
        (pretty(TWO), [(0, [b"two", b"three"])]),
        (b"\n \n" + pretty(ONE) + b"\n\n", [(0, [b"one"])]),
        (b"\xef\xbb\xbf" + pretty(ONE).replace(b"\n", b"\r\n"), [(0, [b"one"])]),
        (ONE + b"\n" + TWO, BODIES),
        (ONE + b"\r\n" + TWO + b"\r\n", BODIES),
        (b"\n" + ONE + b"\n\n" + TWO + b"\n", [(2, [b"one"]), (4, [b"two", b"three"])]),
        (PROTOBUF, [(0, [b"one"])]),
        (message(PROTOBUF) + message(MORE), BODIES),
        (message(b"") + message(PROTOBUF), [(1, []), (2, [b"one"])]),
        (b"{}", [(1, [])]),
        (b"", []),
        (b"\n", []),
    ],
    ids=lambda value: None if isinstance(value, list) else repr(value)[:30],
)
def test_requests_are_read_with_their_lines(
    written: bytes, expected: list[tuple[int, list[bytes]]], tmp_path: Path
) -> None:
    file = tmp_path / "records"
    file.write_bytes(written)
    assert read(file) == expected


def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ONE + b"\n" + TWO)))
    assert [each.place for each in read_requests("-")] == ["standard input:1", "standard input:2"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            b"hello\nworld\n",
            ":1: this is not an OTLP logs request, neither JSON nor protobuf; to take each line for the body of a log "
            "record, add --raw",
        ),
        (b"[]", ":1: this is not an OTLP logs request, neither JSON nor protobuf"),
        (b"\x89PNG\r\n", ":1: this is not an OTLP logs request, neither JSON nor protobuf"),
        (b"{\n", ": the request: not JSON: Expecting property name enclosed in double quotes at line 2 column 1"),
        (b'{"a":1}', ":1: the request: nothing of the unknown name 'a' would be kept: send log records as "),
        (ONE + b"\n" + ONE[:50], ":2: the request: not JSON: "),
        (TRACES, ":1: the request: 'resourceSpans' holds no log records: "),
        (pretty(TRACES), ": the request: 'resourceSpans' holds no log records: "),
        (request_from_json(TRACES, Signal.TRACES), ": this is a traces request: only log records are classified"),
        (PROTOBUF[:-1], ": not an OTLP logs request (12 bytes): invalid or truncated protobuf"),
        (message(PROTOBUF)[:-1], ":1: this is not an OTLP logs request, neither JSON nor protobuf, or it is cut off"),
        (message(PROTOBUF) + b"\0\0", ":2: this is not an OTLP logs request, neither JSON nor protobuf, or it is cut "),
        (message(b"\xff" * 9), ":1: not an OTLP logs request (9 bytes): invalid or truncated protobuf"),
        (gzip.compress(ONE, mtime=0), " is compressed: gzip -dc FILE | lognotary classify -"),
    ],
    ids=lambda value: None if isinstance(value, str) else repr(value)[:30],
)
def test_a_file_without_such_requests_is_refused_with_the_place(written: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_bytes(written)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert str(caught.value).startswith(f"{file}{problem.replace('FILE', str(file))}")


@pytest.mark.parametrize(
    ("written", "is_hinted"),
    [
        (b'{"eventName": "GetObject"}', True),
        (b'{"eventName": {"a": 1}}\n', True),
        (b'{\n"eventName": [\n', True),
        (ONE + b"\n7", True),
        (TRACES, False),
        (pretty(ONE)[:-1], False),
    ],
)
def test_a_file_that_is_not_meant_as_otlp_is_refused_with_the_option_for_raw_lines(
    written: bytes, is_hinted: bool, tmp_path: Path
) -> None:
    file = tmp_path / "records"
    file.write_bytes(written)
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert str(caught.value).endswith("; to take each line for the body of a log record, add --raw") is is_hinted


@pytest.mark.parametrize(
    ("written", "bodies"),
    [
        (b"\xef\xbb\xbfone\r\n\n two\n", [(1, [b"one"]), (3, [b" two"])]),
        (b'{"a":1}\n{"b":2}', [(1, [b'{"a":1}']), (2, [b'{"b":2}'])]),
        (b'{\n"a":1}\n', [(0, [b'{\n"a":1}'])]),
        (b"[one] a\n[two] b\n", [(1, [b"[one] a"]), (2, [b"[two] b"])]),
        (b"\xff\n", [(1, ["\ufffd".encode()])]),
        (b"", []),
    ],
)
def test_raw_lines_are_bodies_of_records(written: bytes, bodies: list[tuple[int, list[bytes]]], tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_bytes(written)
    assert [(each.line, each.records.body_text) for each in read_raw_lines(str(file))] == bodies


def test_raw_lines_of_a_compressed_file_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_bytes(gzip.compress(b"one", mtime=0))
    with pytest.raises(ConfigError, match="is compressed"):
        list(read_raw_lines(str(file)))


def test_requests_before_a_line_that_cannot_be_read_are_read(tmp_path: Path) -> None:
    file = tmp_path / "records"
    file.write_bytes(ONE + b"\nhello\n")
    requests = read_requests(str(file))
    assert next(requests).records.body_text == [b"one"]
    with pytest.raises(ConfigError, match=":2: the request: not JSON"):
        next(requests)


def test_files_that_cannot_be_opened_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"^there is no file {tmp_path}/none: check the path$"):
        read(tmp_path / "none")
    with pytest.raises(ConfigError, match=f"^{tmp_path} is a directory: name a file$"):
        read(tmp_path)


@pytest.mark.parametrize(
    "written",
    [ONE + b"\n" + TWO, pretty(TWO), MORE, message(PROTOBUF) + message(MORE)],
    ids=["lines", "one document", "protobuf", "messages"],
)
def test_a_request_that_is_too_large_is_not_read(
    written: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "records"
    file.write_bytes(written)
    assert len(read(file)) in (1, 2)
    monkeypatch.setattr(otlp_files, "MOST_BYTES", 20 if MORE in written else len(ONE) + 1)
    with pytest.raises(ConfigError, match=r"the request has more than 0 MiB: split it|or it is cut off"):
        read(file)


def test_what_is_no_regular_file_is_refused_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigError) as raised:
            read(place)
        assert str(raised.value) == (
            f"{place} cannot be read: it is not a regular file; for what is not in a file, give - and write it to the "
            "standard input"
        )
