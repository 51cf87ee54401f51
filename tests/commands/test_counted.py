from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import counts_pb2 as counts
from server.commands.counted import facet_lines, histogram_lines, name_lines
from server.commands.output import Style

PLAIN = Style(colour=False)


def at(minute: int) -> Timestamp:
    return Timestamp(seconds=1_700_000_000 // 60 * 60 + 60 * minute)


def histogram(*rows: list[int], groups: list[str], partial: bool = False) -> counts.HistogramResponse:
    return counts.HistogramResponse(
        since=at(0),
        until=at(len(rows)),
        buckets=[
            counts.HistogramBucket(
                start=at(number), end=at(number + 1), count=sum(row), group_counts=row if groups else ()
            )
            for number, row in enumerate(rows)
        ],
        groups=[counts.HistogramGroup(value=name, is_other=name == "others") for name in groups],
        count=sum(map(sum, rows)),
        is_partial=partial,
    )


def test_a_histogram_has_a_line_for_each_step_within_the_width() -> None:
    found = histogram([1200, 0, 5], [0, 0, 0], [600, 3, 0], groups=["info", "", "others"])
    assert list(histogram_lines(found, PLAIN, by="severity", width=70)) == [
        "by severity           records   info  (none)  (others)",
        "2023-11-14T22:13:00Z    1,205  1,200       0         5  ██████████████",
        "2023-11-14T22:14:00Z        0      0       0         0",
        "2023-11-14T22:15:00Z      603    600       3         0  ███████",
        "1,808 records from 2023-11-14T22:13:00Z to 2023-11-14T22:16:00Z",
    ]


def test_a_few_records_have_a_bar_too() -> None:
    lines = list(histogram_lines(histogram([1], [100_000], groups=[]), PLAIN, width=70))
    assert lines[0].endswith("        1  ▏")
    assert max(map(len, lines)) == 70


def test_a_histogram_without_records_and_a_partial_one_say_so() -> None:
    assert list(histogram_lines(counts.HistogramResponse(), PLAIN, query="x\x1b")) == ["no record matches x\\x1b"]
    lines = list(histogram_lines(histogram([1], groups=[], partial=True), PLAIN))
    assert lines[-1] == "… a limit was reached: there may be more before 2023-11-14T22:13:00Z"


def test_facets_have_counts_and_shares() -> None:
    found = counts.FacetsResponse(
        record_count=2000,
        facets=[
            counts.Facet(
                field="actor",
                values=[counts.FacetValue(value="al\nice", count=1000), counts.FacetValue(value="bob", count=7)],
                other_values=3,
                other_count=93,
                missing_count=900,
            )
        ],
        is_partial=True,
        since=at(0),
    )
    assert list(facet_lines(found, PLAIN)) == [
        "actor",
        "  1,000   50.0 %  al\\nice",
        "      7    0.3 %  bob",
        "     93    4.7 %  (3 other values)",
        "    900   45.0 %  (none)",
        "of 2,000 records",
        "… a limit was reached: these are only the records from 2023-11-14T22:13:00Z on",
    ]
    assert list(facet_lines(counts.FacetsResponse(), PLAIN)) == ["there is no record"]


def test_names_are_listed_with_their_counts() -> None:
    found = counts.FieldNamesResponse(
        attributes=[counts.AttributeName(name="LogAttributes.http.method", count=1234)],
        other_attributes=2,
        fields=["host"],
    )
    assert list(name_lines(found, PLAIN)) == [
        "host",
        "1,234  LogAttributes.http.method",
        "… 2 more attributes: give a larger --limit, or a longer beginning",
    ]
    assert list(name_lines(counts.FieldNamesResponse(), PLAIN)) == ["no name begins like this"]
