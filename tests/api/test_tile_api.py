"""Logs as static files, read as a monitor does that knows C2SP tlog-tiles and a verifier key, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest

from server.api.backend import Backend
from server.api.http_api import build_http_api
from server.notary.checkpoint import open_checkpoint
from server.notary.merkle import leaf_hash, node_hash, split_hashes
from server.notary.origin import Stream
from server.notary.trust import TrustedKeys
from server.process.pools import Pool
from storage.engine import Engine
from storage.stored_records import read_records
from tests.api.growing import NAME, GrowingLog, delete, update
from tests.api.store import Writer, log_record
from tests.notary.trees import naive_root, perfect_node

LOG = f"/tlog/{NAME.log_id}"


@asynccontextmanager
async def client(engine: Engine, keys: TrustedKeys) -> AsyncIterator[httpx.AsyncClient]:
    app = build_http_api(Backend(engine, keys), Pool("api", 2), lambda: "", lambda: b"")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://log") as opened:
        yield opened


def bundle_entries(bundle: bytes) -> list[bytes]:
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        assert len(bundle) >= 2 + length
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return entries


def root_of(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root_of(hashes[:split]), root_of(hashes[split:]))


def names(count: int) -> list[str]:
    """The paths of the tiles of a level that has so many hashes."""
    full, rest = divmod(count, 256)
    return [f"{n:03}" for n in range(full)] + ([f"{full:03}.p/{rest}"] if rest else [])


async def test_the_files_of_a_log_are_its_tree_and_its_entries(writer: Writer) -> None:
    for count in (3, 300, 1, 250):
        writer.write([log_record(f"record {number}", at=number) for number in range(count)])
    async with client(writer.engine, writer.keys) as http:
        answer = await http.get(f"{LOG}/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
        checkpoint, note = open_checkpoint(answer.text)
        assert note.verify(writer.signer.verifier_keys(NAME.origin))
        assert (checkpoint.origin, checkpoint.size) == (NAME.origin, 554)
        leaves, entries = b"", []
        for name in names(checkpoint.size):
            tile, bundle = await http.get(f"{LOG}/tile/0/{name}"), await http.get(f"{LOG}/tile/entries/{name}")
            for file in (tile, bundle):
                assert (file.status_code, file.headers["content-type"]) == (200, "application/octet-stream")
                assert "immutable" in file.headers["cache-control"]
            leaves += tile.content
            entries += bundle_entries(bundle.content)
        assert root_of(split_hashes(leaves)) == checkpoint.root
        assert [leaf_hash(entry) for entry in entries] == split_hashes(leaves)
        stored = read_records(writer.engine, Stream.OPERATIONAL, NAME.log_id, 0, 554)
        assert entries == [sha256(record.canonical).digest() for record in stored]
        above = await http.get(f"{LOG}/tile/1/000.p/2")
        assert split_hashes(above.content) == [root_of(split_hashes(leaves)[n : n + 256]) for n in (0, 256)]


async def test_tiles_of_all_levels_are_as_wide_as_the_committed_log(engine: Engine) -> None:
    log = GrowingLog(engine)
    log.grow(65_530, 300)
    log.grow(300, commit=False)
    async with client(engine, log.keys) as http:
        for path, level, first, width in (
            ("0/000", 0, 0, 256),
            ("0/000.p/7", 0, 0, 7),
            ("0/257.p/38", 0, 65_792, 38),
            ("0/257.p/1", 0, 65_792, 1),
            ("1/000", 1, 0, 256),
            ("1/001.p/1", 1, 256, 1),
            ("2/000.p/1", 2, 0, 1),
        ):
            answer = await http.get(f"{LOG}/tile/{path}")
            assert answer.status_code == 200, answer.text
            assert split_hashes(answer.content) == [perfect_node(8 * level, first + n) for n in range(width)]
        assert open_checkpoint((await http.get(f"{LOG}/checkpoint")).text)[0].root == naive_root(0, 65_830)
        for path in ("0/257.p/39", "0/257", "0/258.p/1", "1/001.p/2", "1/001", "2/000.p/2", "3/000.p/1", "63/000.p/1"):
            answer = await http.get(f"{LOG}/tile/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND"), path
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "checkpoint/",
        "checkpoints",
        "tile",
        "tile/0/0",
        "tile/0/x000/000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000/",
        "tile/0/000.p/1/",
        "tile//0/000",
        "tile/entries/0",
        "tile/data/000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
async def test_what_is_not_the_path_of_a_file_is_not_found(small_log: GrowingLog, path: str) -> None:
    async with client(small_log.engine, small_log.keys) as http:
        answer = await http.get(f"{LOG}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("log_id", ["0" * 16, "A" * 16, "shop", "0" * 17, "%27"])
async def test_files_of_a_log_that_is_not_there_are_not_found(small_log: GrowingLog, log_id: str) -> None:
    async with client(small_log.engine, small_log.keys) as http:
        for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
            answer = await http.get(f"/tlog/{log_id}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.fixture
def small_log(engine: Engine) -> GrowingLog:
    """A log of 300 entries."""
    log = GrowingLog(engine)
    log.grow(300)
    return log


async def test_who_has_a_file_gets_it_again_only_when_it_is_another(small_log: GrowingLog) -> None:
    async with client(small_log.engine, small_log.keys) as http:
        for path in ("checkpoint", "tile/0/000", "tile/1/000.p/1"):
            first = await http.get(f"{LOG}/{path}")
            tag = first.headers["etag"]
            for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
                again = await http.get(f"{LOG}/{path}", headers={"If-None-Match": known})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
                assert again.headers["cache-control"] == first.headers["cache-control"]
            other = await http.get(f"{LOG}/{path}", headers={"If-None-Match": '"other"'})
            assert (other.status_code, other.content) == (200, first.content)
        before = await http.get(f"{LOG}/checkpoint")
        small_log.grow(1)
        after = await http.get(f"{LOG}/checkpoint", headers={"If-None-Match": before.headers["etag"]})
        assert after.status_code == 200
        assert after.text != before.text


async def test_head_tells_what_get_would_send(small_log: GrowingLog) -> None:
    async with client(small_log.engine, small_log.keys) as http:
        for path in ("checkpoint", "tile/0/000", "tile/0/001.p/44"):
            got, head = await http.get(f"{LOG}/{path}"), await http.head(f"{LOG}/{path}")
            assert head.status_code == 200
            for name in ("content-length", "content-type", "etag", "cache-control"):
                assert head.headers[name] == got.headers[name]
        assert (await http.post(f"{LOG}/checkpoint")).status_code == 405


@pytest.mark.parametrize(
    ("where", "paths"),
    [
        ("Level = 0 AND TileIndex = 0", ["tile/0/000", "tile/0/000.p/1", "tile/entries/000"]),
        ("Level = 0 AND TileIndex = 1", ["tile/0/001.p/44", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/3"]),
        ("Level = 1", ["tile/1/000.p/1", "tile/0/001.p/44"]),
    ],
)
async def test_no_tile_is_served_that_does_not_lead_to_the_signed_root(
    small_log: GrowingLog, where: str, paths: list[str]
) -> None:
    update(small_log.engine, "log_tiles", "Hashes = reverse(Hashes)", where)
    async with client(small_log.engine, small_log.keys) as http:
        for path in paths:
            answer = await http.get(f"{LOG}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (500, "DATA_LOSS")
            assert "log_tiles were altered" in answer.json()["message"]
            assert answer.headers["cache-control"] == "no-store"


async def test_a_bundle_with_a_changed_record_is_not_served_nor_one_with_a_record_that_is_gone(writer: Writer) -> None:
    writer.write([log_record(f"record {number}") for number in range(300)])
    update(writer.engine, "otel_logs", "Body = 'other'", "LeafIndex = 7")
    delete(writer.engine, "otel_logs", "LeafIndex = 290")
    async with client(writer.engine, writer.keys) as http:
        changed = await http.get(f"{LOG}/tile/entries/000")
        assert (changed.status_code, changed.json()["code"]) == (500, "DATA_LOSS")
        assert changed.json()["message"] == "record 7 of shop/operational/node-1 does not match what was signed"
        gone = await http.get(f"{LOG}/tile/entries/001.p/44")
        assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")
        assert "record 290 of shop/operational/node-1 is no longer stored" in gone.json()["message"]
        for path in ("tile/0/000", "tile/0/001.p/44", "tile/entries/000.p/7", "tile/entries/001.p/34"):
            assert (await http.get(f"{LOG}/{path}")).status_code == 200, path


async def test_a_record_of_a_batch_that_was_never_committed_is_no_entry(writer: Writer) -> None:
    writer.write([log_record("first")])
    lost = writer.write([log_record(f"lost {number}") for number in range(3)])[Stream.OPERATIONAL]
    delete(writer.engine, "log_batches", f"BatchId = toUUID('{lost.batch_id}')")
    writer.write([log_record("committed")])
    async with client(writer.engine, writer.keys) as http:
        tile = await http.get(f"{LOG}/tile/0/000.p/2")
        bundle = await http.get(f"{LOG}/tile/entries/000.p/2")
        assert [leaf_hash(entry) for entry in bundle_entries(bundle.content)] == split_hashes(tile.content)
        assert (await http.get(f"{LOG}/tile/entries/000.p/3")).status_code == 404


async def test_files_that_cannot_be_read_now_are_unavailable(small_log: GrowingLog) -> None:
    async with client(small_log.engine, small_log.keys) as http:
        for table, path in (("log_tiles", "tile/0/000"), ("log_batches", "checkpoint")):
            small_log.engine.execute(f"DROP TABLE {table} SYNC")
            answer = await http.get(f"{LOG}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
