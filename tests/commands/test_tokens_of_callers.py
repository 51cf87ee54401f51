"""Tokens with which the commands ask a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from lognotary.v1 import correlation_pb2 as pb
from lognotary.v1.correlation_pb2_grpc import CorrelationServiceServicer, add_CorrelationServiceServicer_to_server
from server.access.token_text import new_token
from server.cli import main


class _Noting(CorrelationServiceServicer):
    def __init__(self) -> None:
        self.given: list[str] = []

    def Search(self, request: pb.SearchRequest, context: Any) -> pb.SearchResponse:  # noqa: N802 - the name is the API's
        self.given += [value for key, value in context.invocation_metadata() if key == "authorization"]
        return pb.SearchResponse()

    def Tail(self, request: pb.TailRequest, context: Any) -> Iterator[pb.TailResponse]:  # noqa: N802 - the name is the API's
        self.given += [value for key, value in context.invocation_metadata() if key == "authorization"]
        return context.abort(grpc.StatusCode.INVALID_ARGUMENT, "enough")  # type: ignore[no-any-return]


@contextmanager
def noting() -> Iterator[tuple[str, list[str]]]:
    service = _Noting()
    server = grpc.server(ThreadPoolExecutor(2))
    add_CorrelationServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", service.given
    finally:
        server.stop(None)


@pytest.mark.parametrize("command", [["search", "x"], ["tail"]])
def test_commands_call_the_api_with_the_token_of_a_file_or_a_variable(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_file, of_variable = new_token(), new_token()
    (tmp_path / "token").write_text(f"{of_file}\n")
    with noting() as (address, given):
        main([*command, "--api", address])
        assert given == []
        monkeypatch.setenv("LOGNOTARY_TOKEN", of_variable)
        main([*command, "--api", address])
        main([*command, "--api", address, "--token-file", str(tmp_path / "token")])
    assert given == [f"Bearer {of_variable}", f"Bearer {of_file}"]


@pytest.mark.parametrize(("mode", "warns"), [(0o644, True), (0o640, True), (0o600, False), (0o400, False)])
def test_a_token_that_other_users_can_read_is_warned_about(
    mode: int, warns: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{new_token()}\n")
    file.chmod(mode)
    with noting() as (address, given):
        main(["search", "x", "--api", address, "--token-file", str(file)])
    warning = f"lognotary: warning: the token in {file} can be read by other users: run chmod 600 {file}\n"
    assert (warning in capsys.readouterr().err) is warns
    assert len(given) == 1


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda _: None, "there is no file"),
        (lambda file: file.write_text(" \n"), "is empty"),
        (lambda file: file.write_text("a secret\n"), "this is not a token"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "it is not text in UTF-8"),
    ],
)
def test_a_file_without_a_token_is_told_before_the_server_is_asked(
    prepare: Callable[[Path], object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(tmp_path / "token")
    with noting() as (address, given):
        assert main(["search", "x", "--api", address, "--token-file", str(tmp_path / "token")]) == 2
    output = capsys.readouterr().err
    assert message in output
    assert "secret" not in output
    assert given == []
