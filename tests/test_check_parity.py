"""``check.py`` agrees with the notary on records, hashes, paths and keys."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import MemoryLog, audit_record, encode_record
from server import check
from server.notary.bundle import readable_record
from server.notary.canonical import VERSIONS, Kind, canonical_columns, entry_of, version_of, versions_of
from server.notary.errors import KeyMaterialError, MalformedError, VerificationError
from server.notary.keys import KeyType, VerifierKey
from server.notary.merkle import leaf_hash, node_hash
from server.notary.origin import LogName, Stream
from server.notary.proofs import verify_inclusion
from tests.checked_bundles import BUNDLES, FIRST, LOG, failed, key


class TestParity:
    """The check computes the same values as the notary."""

    @pytest.mark.parametrize("version", VERSIONS)
    def test_it_knows_the_columns_of_each_version_of_the_canonical_record(self, version: int) -> None:
        for stream in [stream for stream in Stream if version in versions_of(stream)]:
            empty = encode_record(stream, {}, version)
            columns = [column.name for column in canonical_columns(stream, version)]
            assert check.version_of(empty) == version_of(empty) == version
            assert list(check.read_record(empty, stream.value)) == columns

    def test_a_span_of_a_version_that_no_span_has_is_refused(self) -> None:
        record = encode_record(Stream.OPERATIONAL, {}, 1)
        with pytest.raises(check.RefusedError, match=r"version 1 of the canonical record, which no span has"):
            check.read_record(record, "spans")
        with pytest.raises(MalformedError):
            readable_record(record, "shop/spans/a", 0)

    def test_an_array_that_ends_too_early_is_refused(self) -> None:
        record = encode_record(Stream.SPANS, {"Events.Timestamp": [1, 2], "Links.Attributes": [[(b"k", b"v")]]})
        assert check.read_record(record, "spans")["Links.Attributes"] == [{"k": "v"}]
        for size in range(len(record)):
            with pytest.raises(check.RefusedError, match="ends too early"):
                check.read_record(record[:size], "spans")

    def test_it_knows_every_version(self) -> None:
        assert tuple(BUNDLES) == VERSIONS

    @pytest.mark.parametrize("first", [-1, -3, -256, -(2**63)])
    def test_a_version_that_it_does_not_know_is_named_and_refused(self, first: int) -> None:
        log = MemoryLog([first.to_bytes(8, "little", signed=True) + LOG.records[0][8:]])
        files = {**LOG.bundle(0, log.checkpoint(1, FIRST)), "record.bin": log.records[0]}
        why = failed(check.check(files, [key(FIRST)]))
        assert set(why) == {"record.json", "disclosures"}
        assert why["record.json"].startswith(f"record.bin begins with the mark {first}, of another version")
        assert "(1 and 2): use the check.py of a newer Lognotary" in why["record.json"]
        with pytest.raises(MalformedError):
            readable_record(log.records[0], log.origin, 0)

    def test_a_record_that_is_shorter_than_any_mark_is_refused(self) -> None:
        for record in (b"", bytes(7)):
            with pytest.raises(check.RefusedError, match="ends too early"):
                check.read_record(record, "audit")

    def test_a_path_of_another_length_or_to_an_entry_that_is_not_there_leads_nowhere(self) -> None:
        root, path = check.root_from_path(0, 1, bytes(32), []), [bytes(32)]
        assert root == bytes(32)
        for index, size, some, says in (
            (1, 1, [], "there is no entry 1 in a log of 1"),
            (0, 1, path, "too long"),
            (0, 2, [], "too short"),
        ):
            with pytest.raises(check.RefusedError, match=says):
                check.root_from_path(index, size, bytes(32), some)

    @given(st.binary(max_size=80), st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
    def test_its_hashes_are_the_notarys(self, record: bytes, left: bytes, right: bytes) -> None:
        assert check.entry_of(record) == entry_of(record)
        assert check.leaf_hash(record) == leaf_hash(record)
        assert check.node_hash(left, right) == node_hash(left, right)

    @given(st.data())
    def test_every_record_of_a_log_is_proved(self, data: st.DataObject) -> None:
        size = data.draw(st.integers(1, 40))
        index = data.draw(st.integers(0, size - 1))
        log = MemoryLog([audit_record(number) for number in range(size)])
        report = check.check(log.bundle(index, log.checkpoint(size, FIRST)), [key(FIRST)])
        assert failed(report) == {}
        assert report.proved is not None
        assert (report.proved["LeafIndex"], report.proved["TreeSize"]) == (index, size)
        assert report.proved["RootHash"] == log.root(0, size).hex()

    @given(st.integers(0, 2**62), st.integers(0, 2**62), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
    def test_a_path_leads_to_the_same_root_or_nowhere(self, index: int, size: int, path: list[bytes]) -> None:
        leaf = leaf_hash(b"entry")
        for last in (size, size + index + 1):
            try:
                root = check.root_from_path(index, last, leaf, path)
            except check.RefusedError:
                with pytest.raises(VerificationError):
                    verify_inclusion(index, last, leaf, path, bytes(32))
            else:
                verify_inclusion(index, last, leaf, path, root)

    @given(st.data())
    def test_a_record_reads_the_same(self, data: st.DataObject) -> None:
        stream = data.draw(st.sampled_from(Stream))
        version = data.draw(st.sampled_from(versions_of(stream)))
        log = LogName("shop", stream, "a")
        values = {column.name: data.draw(_VALUES[column.kind]) for column in canonical_columns(stream, version)}
        if version == 1:
            values["Timestamp"] = data.draw(st.integers(0, 2**63 - 1))
        record = encode_record(stream, values, version)
        readable = readable_record(record, log.origin, 0)
        memory = MemoryLog([record], log)
        files = memory.bundle(0, memory.checkpoint(1, FIRST))
        believed = check.Key("", check.ED25519, FIRST.ed25519.public_key)
        report = check.check(files, [believed])
        assert failed(report) == {}
        assert report.proved == {"TreeSize": 1, "RootHash": memory.root(0, 1).hex(), **readable}

    @given(st.data())
    def test_a_record_that_was_changed_reads_the_same_or_not_at_all(self, data: st.DataObject) -> None:
        record = bytearray(audit_record(0, data.draw(st.sampled_from(VERSIONS))))
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(record)))
            record[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        try:
            mine = check.read_record(bytes(record), "audit")
        except check.RefusedError:
            with pytest.raises(MalformedError):
                readable_record(bytes(record), LOG.origin, 0)
        else:
            theirs = readable_record(bytes(record), LOG.origin, 0)
            assert mine == {name: theirs[name] for name in mine}

    @given(st.text(min_size=1, max_size=20), st.sampled_from(KeyType), st.randoms(use_true_random=False))
    def test_a_key_is_the_same_key(self, name: str, key_type: KeyType, chance: random.Random) -> None:
        try:
            theirs = VerifierKey(name, chance.randbytes(key_type.public_key_size), key_type)
        except KeyMaterialError:
            encoded = base64.b64encode(b"\x01" + bytes(32)).decode()
            with pytest.raises(check.RefusedError):
                check.parse_key(f"{name}+00000000+{encoded}")
            return
        mine = check.parse_key(str(theirs))
        assert (mine.name, mine.key_type, mine.public, mine.key_id) == (
            theirs.name,
            theirs.key_type.value,
            theirs.public_key,
            theirs.key_id,
        )


_VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TIME: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT8: st.integers(0, 255),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.STRING: st.one_of(st.text(max_size=9).map(str.encode), st.binary(max_size=200)),
    Kind.WORD: st.one_of(st.just(b""), st.text(max_size=9).map(str.encode)),
    Kind.MAP: st.lists(st.tuples(st.sampled_from([b"a", b"b", b"time", b"\xff"]), st.binary(max_size=3)), max_size=3),
    Kind.UINT64: st.integers(0, 2**64 - 1),
}
_VALUES |= {kind: st.lists(_VALUES[kind.element], max_size=3) for kind in Kind if kind.element}
