"""``check.py`` with exports: rows that are not those of the manifest, in files that are the manifest's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from server.notary.export_manifest import ExportManifest
from tests.checked_exports import AUDIT, SPANS, Checker, changed_log, export, of_content, says

Rows = list[dict[str, Any]]

NO_LEAF = "row 2 does not say its leaf or its entry"
OTHER_LOG = "row 7 is of a log that the manifest does not have, or comes out of order"
OUT_OF_ORDER = "comes out of order, or is of a leaf that the manifest does not have"
UNKNOWN = "a row is of a stream or version that this check.py does not know"
NO_RECORD = "row 1 does not have its record, unmapped.lognotary"
NO_VALUE = "a row has a value that no record has"


def set_in(number: int, **changes: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **changes} if place == number else row for place, row in enumerate(rows)]


def ordered(*places: int) -> Callable[[Rows], Rows]:
    return lambda rows: [rows[place] for place in places]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_in(1, Entry=None), NO_LEAF),
        (set_in(1, Entry="0" * 63), NO_LEAF),
        (set_in(1, LeafIndex="4"), NO_LEAF),
        (set_in(1, LeafIndex=True), NO_LEAF),
        (set_in(1, Body="another"), "row 2 does not have the SHA-256 that it says"),
        (set_in(1, Body="\N{REPLACEMENT CHARACTER}"), "row 2 does not have the SHA-256 that it says"),
        (set_in(1, Entry=AUDIT.root(0, 1).hex()), "row 2 does not have the SHA-256 that it says"),
        (ordered(0, 1), "the file has 2 rows of shop/audit/a, and not as many as the manifest says"),
        (ordered(0, 1, 3, 4, 5), "the file has 2 rows of shop/audit/a, and not as many as the manifest says"),
        (ordered(0, 1, 2, 3, 4), "the file has 2 rows of shop/operational/a, and not as many"),
        (ordered(0, 1, 2), "the file has 3 rows, and not as many as the manifest says"),
        (ordered(), "the file has 0 rows, and not as many as the manifest says"),
        (ordered(0, 0, 1, 2, 3, 4, 5), f"row 2 {OUT_OF_ORDER}"),
        (ordered(0, 2, 1, 3, 4, 5), f"row 3 {OUT_OF_ORDER}"),
        (ordered(3, 4, 5, 0, 1, 2), "the file has 0 rows of shop/audit/a, and not as many"),
        (ordered(0, 1, 2, 3, 4, 5, 0), OTHER_LOG),
        (lambda rows: [*rows, {**rows[5], "Origin": "shop/operational/b"}], OTHER_LOG),
        (set_in(1, CanonicalVersion=3), UNKNOWN),
        (set_in(1, CanonicalVersion="2"), UNKNOWN),
        (set_in(1, CanonicalVersion=True), UNKNOWN),
        (set_in(1, SeverityNumber=256), NO_VALUE),
        (set_in(1, Flags=-1), NO_VALUE),
        (set_in(1, Flags="many"), NO_VALUE),
        (set_in(1, Timestamp="2026-01-01T00:00:00Z"), NO_VALUE),
        (set_in(1, Timestamp="2026-13-01T00:00:00.000000000Z"), NO_VALUE),
        (set_in(1, Timestamp="9999-01-01T00:00:00.000000000Z"), NO_VALUE),
        (set_in(1, Timestamp=5), NO_VALUE),
        (set_in(1, Body=None), NO_VALUE),
        (set_in(1, Body={}), NO_VALUE),
        (set_in(1, Body={"base64": "/"}), NO_VALUE),
        (set_in(1, LogAttributes=5), NO_VALUE),
        (set_in(1, LogAttributes=[["k"]]), NO_VALUE),
    ],
)
def test_a_row_that_is_none_of_the_export_is_told(
    checker: Checker, change: Callable[[Rows], Rows], message: str
) -> None:
    content, manifest = export()
    rows = change([json.loads(line) for line in content.splitlines()])
    lines = "".join(f"{json.dumps(row)}\n" for row in rows)
    failed = checker.failed(*of_content(lines.encode(), manifest))
    assert list(failed) == ["rows"]
    assert message in failed["rows"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: replace(manifest, records=7), "the file has 6 rows, and not as many"),
        (lambda manifest: changed_log(manifest, first_leaf=2), f"row 1 {OUT_OF_ORDER}"),
        (lambda manifest: changed_log(manifest, end_leaf=5), f"row 3 {OUT_OF_ORDER}"),
        (lambda manifest: changed_log(manifest, records=2), "the file has 3 rows of shop/audit/a"),
        (
            lambda manifest: replace(manifest, logs=manifest.logs[:1]),
            "row 4 is of a log that the manifest does not",
        ),
    ],
)
def test_a_manifest_of_other_rows_is_told(
    checker: Checker, change: Callable[[ExportManifest], ExportManifest], message: str
) -> None:
    content, manifest = export()
    failed = checker.failed(content, change(manifest))
    assert list(failed) == ["rows"]
    assert message in failed["rows"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda event: {**event, "unmapped": None}, NO_RECORD),
        (lambda event: {**event, "unmapped": {}}, NO_RECORD),
        (lambda event: {**event, "unmapped": {"lognotary": []}}, NO_RECORD),
        (lambda event: event["unmapped"]["lognotary"], NO_RECORD),
        (lambda event: changed_record(event, Body="another"), "row 1 does not have the SHA-256 that it says"),
        (lambda event: changed_record(event, LeafIndex="4"), "row 1 does not say its leaf or its entry"),
        (lambda event: changed_record(event, Flags="many"), NO_VALUE),
    ],
)
def test_an_event_without_its_record_is_told(
    checker: Checker, change: Callable[[dict[str, Any]], dict[str, Any]], message: str
) -> None:
    content, manifest = export("ocsf", [(AUDIT, (1,))])
    other = json.dumps(change(json.loads(content))).encode()
    failed = checker.failed(*of_content(other, manifest))
    assert list(failed) == ["rows"]
    assert message in failed["rows"]


def changed_record(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**event, "unmapped": {"lognotary": {**event["unmapped"]["lognotary"], **changes}}}


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_the_hashes_of_spans_are_computed_with_their_events(checker: Checker, kind: str) -> None:
    report = checker.report(*export(kind, [(SPANS, (0, 1))]))
    assert report.holds
    assert "the SHA-256 of 2 was computed" in says(report)["rows"]


def test_events_that_are_no_list_are_told(checker: Checker) -> None:
    content, manifest = export("ndjson", [(SPANS, (1,))])
    rows = [json.loads(line) for line in content.splitlines()]
    rows[0]["Events.Name"] = "retry"
    other = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    failed = checker.failed(*of_content(other, manifest))
    assert "a row has a value that no record has" in failed["rows"]


@pytest.mark.parametrize("stream", ["accesses", "metrics"])
@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_a_stream_that_is_not_exported_is_refused(checker: Checker, kind: str, stream: str) -> None:
    content, manifest = export(kind, [(AUDIT, (1,))])
    other = changed_log(manifest, origin=f"shop/{stream}/a")
    failed = checker.failed(*of_content(content.replace(b"shop/audit/a", f"shop/{stream}/a".encode()), other))
    assert failed["rows"] == UNKNOWN


@pytest.mark.parametrize(
    ("kind", "change", "message"),
    [
        ("ndjson", lambda content: content + b"{\n", "row 7 cannot be read"),
        ("ndjson", lambda content: content + b"\n", "row 7 cannot be read"),
        ("ndjson", lambda content: content + b"[]\n", "row 7 is not a JSON object"),
        ("ndjson", lambda content: content + b"\xff\n", "the rows cannot be read"),
        ("csv", lambda content: content + b"\xff\n", "the rows cannot be read"),
        ("csv", lambda content: content.replace(b'"{""audit', b'"{audit'), "a cell of LogAttributes is not JSON"),
        ("csv", lambda content: content + b"short,7\r\n", "row 7 does not say its leaf or its entry"),
        ("csv", lambda content: content.replace(b"shop/audit/a,4,", b"shop/audit/a,04,"), NO_LEAF),
        ("csv", lambda content: content.partition(b"\r\n")[2], "row 1 does not say its leaf or its entry"),
        ("csv", lambda content: content.replace(b"role.grant,", b"role.grunt,", 1), "row 1 does not have the SHA"),
        ("csv", lambda content: content.replace(b"'=1+1", b"=1+2"), "row 4 does not have the SHA-256"),
    ],
)
def test_a_file_that_cannot_be_read_as_its_format_is_told(
    checker: Checker, kind: str, change: Callable[[bytes], bytes], message: str
) -> None:
    content, manifest = export(kind)
    assert change(content) != content
    failed = checker.failed(*of_content(change(content), manifest))
    assert list(failed) == ["rows"]
    assert message in failed["rows"]
