"""The sender of own records: what it marks, and whether a refusal is for good."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from harness.otlp_load import log_record
from server.codec.provenance import Provenance
from server.errors.ingest import MalformedRequestError, OversizedError, StorageRefusedError
from server.own_records.sender import NotRecordedError, OwnRecords
from server.settings.values import Address, parse_address
from tests.otlp.grpc_calls import serving
from tests.otlp.recording import RecordingIngest

OWN = "own"


async def test_records_of_who_looked_go_to_the_access_log_of_their_tenant() -> None:
    ingest = RecordingIngest()
    async with serving(ingest, own_token=OWN) as address:
        records = OwnRecords(parse_address(address), OWN)
        await asyncio.to_thread(records.send_access, "acme", "lognotary.access", [log_record("one")])
        await asyncio.to_thread(records.send_access, "", "lognotary.access", [log_record("two")])
        await asyncio.to_thread(records.send, "lognotary.administration", [log_record("three")])
    assert ingest.provenances == [
        Provenance("acme", "server", access=True),
        Provenance("", "server", access=True),
        Provenance("", "server"),
    ]


class Relay:
    """A port that passes connections on to another one, and counts them."""

    def __init__(self) -> None:
        self.to = ""
        self.connections = 0
        self.open = asyncio.TaskGroup()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        other_reader, other_writer = await asyncio.open_connection(*self.to.rsplit(":", 1))
        for source, sink in ((reader, other_writer), (other_reader, writer)):
            self.open.create_task(_copy(source, sink))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer), contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)


async def test_the_connection_for_records_of_who_looked_is_kept_and_replaced_once_the_server_has_closed_it() -> None:
    relay, ingest = Relay(), RecordingIngest()
    async with relay.open, await asyncio.start_server(relay, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        with contextlib.closing(OwnRecords(Address(host, port), OWN)) as records:
            for connections in (1, 2):
                async with serving(ingest, own_token=OWN) as relay.to:
                    for _ in range(3):
                        await asyncio.to_thread(records.send_access, "", "lognotary.access", [log_record("one")])
                assert relay.connections == connections
    assert len(ingest.requests) == 6


@pytest.mark.parametrize(
    ("refusal", "is_final"),
    [
        (StorageRefusedError("away", retry_after=5.0, public="away"), False),
        (OversizedError("too large"), True),
        (MalformedRequestError("no request"), True),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_refusal_is_final_if_otlp_forbids_to_send_again(refusal: Exception, is_final: bool) -> None:
    async with serving(RecordingIngest(refusal), own_token=OWN) as address:
        records = OwnRecords(parse_address(address), OWN)
        with pytest.raises(NotRecordedError) as refused:
            await asyncio.to_thread(records.send, "lognotary.administration", [log_record("one")])
    assert refused.value.is_final is is_final
