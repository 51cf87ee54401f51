"""Standard input of ``lognotary erase``, and warnings of ``lognotary hold``."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from lognotary.v1 import administration_pb2, administration_pb2_grpc, disclosures_pb2, disclosures_pb2_grpc
from server.cli import main


class Disclosures(disclosures_pb2_grpc.DisclosureServiceServicer):
    def __init__(self) -> None:
        self.asked: list[disclosures_pb2.EraseRequest] = []

    def Erase(  # noqa: N802 - the name is the API's
        self, request: disclosures_pb2.EraseRequest, context: Any
    ) -> disclosures_pb2.EraseResponse:
        self.asked.append(request)
        return disclosures_pb2.EraseResponse(erased=1)


class Administration(administration_pb2_grpc.AdministrationServiceServicer):
    hidden = 0
    tells = True

    def AddHold(  # noqa: N802 - the name is the API's
        self, request: administration_pb2.AddHoldRequest, context: Any
    ) -> administration_pb2.AddHoldResponse:
        hold = administration_pb2.Hold(name=request.name, scope=request.scope)
        if not self.tells:
            return administration_pb2.AddHoldResponse(hold=hold)
        return administration_pb2.AddHoldResponse(hold=hold, records=0, disclosed_values=2, hidden_actors=self.hidden)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Disclosures, Administration]]:
    """Services that answer the commands."""
    server = grpc.server(ThreadPoolExecutor(1))
    found = Disclosures(), Administration()
    disclosures_pb2_grpc.add_DisclosureServiceServicer_to_server(found[0], server)
    administration_pb2_grpc.add_AdministrationServiceServicer_to_server(found[1], server)
    monkeypatch.setenv("LOGNOTARY_API", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield found
    server.stop(None)


def erase(monkeypatch: pytest.MonkeyPatch, option: str, text: str, read: bytes = b"never read") -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(read)))
    return main(["erase", option, text, "--reason", "request 4711"])


def test_what_is_erased_is_read_from_standard_input_without_its_last_line_break(
    services: tuple[Disclosures, Administration], monkeypatch: pytest.MonkeyPatch
) -> None:
    for read in ("günther", "günther\n", "günther\r\n"):
        assert erase(monkeypatch, "--actor", "-", read.encode()) == 0
    assert erase(monkeypatch, "--value", "-", b" two\nlines\n\n") == 0
    assert erase(monkeypatch, "--value", "a value") == 0
    asked = [(request.actor, request.value) for request in services[0].asked]
    assert asked == [("günther", "")] * 3 + [("", " two\nlines\n"), ("", "a value")]


@pytest.mark.parametrize(("read", "said"), [(b"\n", "standard input is empty"), (b"\xff", "is not UTF-8")])
def test_standard_input_that_is_no_text_is_refused(
    services: tuple[Disclosures, Administration],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    read: bytes,
    said: str,
) -> None:
    assert erase(monkeypatch, "--value", "-", read) == 2
    assert said in capsys.readouterr().err
    assert services[0].asked == []


def test_a_hold_by_actor_warns_of_records_that_hide_their_actor(
    services: tuple[Disclosures, Administration], capsys: pytest.CaptureFixture[str]
) -> None:
    for hidden in (0, 3):
        services[1].hidden = hidden
        assert main(["hold", "add", "case-1", "--actor", "alice", "--reason", "a lawsuit", "--utc"]) == 0
        warning = capsys.readouterr().err
        assert ("hides the actor of 3 stored audit records" in warning) == bool(hidden)
        assert ("of this actor, who has 2 disclosed values. To keep them" in warning) == bool(hidden)


@pytest.mark.parametrize(
    ("tells", "said"),
    [
        (True, "keeps 0 stored records, and later ones that match"),
        (False, "keeps the stored records, and later ones that"),
    ],
)
def test_a_hold_says_how_many_records_it_keeps_if_the_server_does(
    services: tuple[Disclosures, Administration], capsys: pytest.CaptureFixture[str], *, tells: bool, said: str
) -> None:
    services[1].tells = tells
    assert main(["hold", "add", "case-1", "--actor", "alice", "--reason", "a lawsuit", "--utc"]) == 0
    output, errors = capsys.readouterr()
    assert output.startswith(f"the hold case-1 {said}")
    assert ("redaction may hide the actor" in errors) != tells
