"""``check.py`` accepts no changed bundle: each file is changed, alone and relative to the others."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.bundles import MemoryLog, encode_record
from server import check
from server.notary.canonical import entry_of
from server.notary.merkle import leaf_hash, node_hash
from server.notary.origin import LogName, Stream
from tests.checked_bundles import BUNDLE, BUNDLES, FIRST, LOG, NOTE, READ, STRANGER, failed, key


class TestTampering:
    @pytest.mark.parametrize("version", BUNDLES)
    def test_the_bundle_holds_before(self, version: int) -> None:
        report = check.check(BUNDLES[version], [key(FIRST)])
        assert failed(report) == {}
        assert report.proved is not None
        assert report.proved["CanonicalVersion"] == version

    @pytest.mark.parametrize("name", sorted(READ))
    @pytest.mark.parametrize("version", BUNDLES)
    def test_no_bit_of_what_is_read_can_be_changed(self, name: str, version: int) -> None:
        chance = random.Random(name)
        bundle = BUNDLES[version]
        for at in range(len(bundle[name])):
            changed = bytearray(bundle[name])
            changed[at] ^= 1 << chance.randrange(8)
            assert not check.check({**bundle, name: bytes(changed)}, [key(FIRST)]).holds, (at, changed)

    @pytest.mark.parametrize(("version", "other"), [(1, 2), (2, 1)])
    def test_a_record_of_one_version_cannot_be_passed_off_as_one_of_another(self, version: int, other: int) -> None:
        bundle = BUNDLES[version]
        claims = {**json.loads(bundle["record.json"]), "CanonicalVersion": other}
        files = {**bundle, "record.json": json.dumps(claims).encode()}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"record.json"}
        files = {**bundle, "record.bin": BUNDLES[other]["record.bin"], "record.json": BUNDLES[other]["record.json"]}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"inclusion"}

    @pytest.mark.parametrize("name", sorted(READ))
    def test_nothing_of_what_is_read_can_be_cut_off_or_added(self, name: str) -> None:
        for content in (BUNDLE[name][:-2], BUNDLE[name][1:], b"", b"\0" + BUNDLE[name], BUNDLE[name] + b"x"):
            assert not check.check({**BUNDLE, name: content}, [key(FIRST)]).holds

    @pytest.mark.parametrize("name", sorted(READ))
    def test_nothing_of_what_is_read_can_be_left_out(self, name: str) -> None:
        files = {path: content for path, content in BUNDLE.items() if path != name}
        assert failed(check.check(files, [key(FIRST)])) == {"files": f"missing: {name}"}

    def test_what_does_not_hold_is_named_with_all_else_that_does_not(self) -> None:
        other = LOG.bundle(6, NOTE)
        swapped = {**BUNDLE, "record.bin": other["record.bin"]}
        assert set(failed(check.check(swapped, [key(FIRST)]))) == {"inclusion", "record.json"}
        swapped = {**BUNDLE, "checkpoint": str(LOG.checkpoint(12, FIRST)).encode()}
        assert set(failed(check.check(swapped, [key(FIRST)]))) == {"inclusion", "checkpoint"}
        assert set(failed(check.check(BUNDLE, [key(STRANGER)]))) == {"signature"}

    def test_a_record_cannot_take_the_place_of_another(self) -> None:
        proof = BUNDLE["record.tlog-proof"].replace(b"index 5\n", b"index 4\n")
        readable = BUNDLE["record.json"].replace(b'"LeafIndex": 5', b'"LeafIndex": 4')
        files = {**BUNDLE, "record.tlog-proof": proof, "record.json": readable}
        assert set(failed(check.check(files, [key(FIRST)]))) == {"inclusion"}

    def test_the_leaf_of_a_subtree_is_no_entry(self) -> None:
        # With a node's hash taken for a leaf, a shorter path would lead to the root: the sizes forbid it.
        path = LOG.path(4, 8)
        node = node_hash(leaf_hash(entry_of(LOG.records[4])), path[0])
        with pytest.raises(check.RefusedError, match="short"):
            check.root_from_path(2, 8, node, path[1:])

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("ActorId", "bob"),
            ("Action", "role.revoke"),
            ("Body", "nothing happened"),
            ("LeafIndex", 6),
            ("LeafIndex", "5"),
            ("Flags", True),
            ("Flags", 1.0),
            ("CanonicalVersion", 1),
            ("CanonicalVersion", 3),
            ("Tenant", ""),
            ("Description", "nothing happened"),
            ("Origin", "shop/audit/b"),
            ("Timestamp", {"time": "2026-01-01T00:00:00.000000006Z", "unix_nanos": 1_767_225_600_000_000_005}),
            ("Timestamp", {"time": "2026-01-01T00:00:00.000000005Z", "unix_nanos": 1_767_225_600_000_000_006}),
            ("LogAttributes", {}),
            ("Note", "looks good"),
            ("Note", None),
        ],
    )
    def test_a_readable_text_that_says_something_else_is_refused(self, field: str, value: object) -> None:
        claims = {**json.loads(BUNDLE["record.json"]), field: value}
        files = {**BUNDLE, "record.json": json.dumps(claims).encode()}
        why = failed(check.check(files, [key(FIRST)]))
        assert set(why) == {"record.json"}
        assert field in why["record.json"]

    def test_a_readable_text_may_be_formatted_otherwise(self) -> None:
        claims = json.loads(BUNDLE["record.json"])
        files = {**BUNDLE, "record.json": json.dumps(dict(reversed(claims.items()))).encode()}
        assert failed(check.check(files, [key(FIRST)])) == {}

    @pytest.mark.parametrize(
        "text",
        [
            '{"ActorId": "bob", ' + BUNDLE["record.json"].decode()[1:],
            BUNDLE["record.json"].decode().replace('"Action": "role.grant",', ""),
            "[" * 100_000,
            "[]",
            '{"LeafIndex": ' + "9" * 5000 + "}",
            '{"LeafIndex": NaN}',
            "\ufeff{}",
            "",
        ],
    )
    def test_a_readable_text_that_can_be_read_in_two_ways_is_refused(self, text: str) -> None:
        assert not check.check({**BUNDLE, "record.json": text.encode()}, [key(FIRST)]).holds

    def test_the_columns_are_those_of_the_stream_in_the_signed_name(self) -> None:
        log = MemoryLog([encode_record(Stream.OPERATIONAL, {"Body": b"x"})], LogName("s", Stream.OPERATIONAL, "a"))
        believed = check.Key("", check.ED25519, FIRST.ed25519.public_key)
        assert check.check(log.bundle(0, log.checkpoint(1, FIRST)), [believed]).holds

    def test_a_log_of_another_kind_has_records_that_cannot_be_read(self) -> None:
        files = {name: BUNDLE[name].replace(b"shop/audit/a", b"shop/metric/a") for name in READ}
        assert "record.json" in failed(check.check(files, [key(FIRST)]))

    def test_other_files_are_named_as_not_checked(self) -> None:
        files = {**BUNDLE, "translation.pdf": b"", "timestamp.tsr": b""}
        report = check.check(files, [key(FIRST)])
        assert report.holds
        assert {"README.txt", "translation.pdf", "verifier-keys.txt"} < set(report.not_checked)
        assert any("openssl ts -verify" in what for what in report.not_checked)


_MUTATIONS: st.SearchStrategy[Any] = st.one_of(
    st.binary(max_size=4), st.sampled_from([b"\n", b"\n\n", b"+", "—".encode(), b" ", b"=", b"9" * 25, b"\xff", b"{}"])
)


@given(st.data())
def test_a_bundle_that_was_changed_anywhere_is_refused_and_nothing_worse_happens(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(READ)))
    content = bytearray(BUNDLE[name])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(_MUTATIONS)
    report = check.check({**BUNDLE, name: bytes(content)}, [key(FIRST)])
    if report.holds and bytes(content) != BUNDLE[name]:
        # Only changes without meaning: spaces in JSON, unsigned extra data, signatures that are not checked.
        assert name != "record.bin"
        assert report.proved == check.check(BUNDLE, [key(FIRST)]).proved
