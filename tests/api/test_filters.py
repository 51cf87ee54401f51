"""Filters of audit events and forms of trace IDs."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1.correlation_pb2 import SearchAuditEventsRequest
from server.api.errors import InvalidArgumentError
from server.api.filters import audit_filter
from server.api.trace_ids import parse_trace_id

ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        ID.upper(),
        f" {ID}\n",
        f"0x{ID}",
        "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736",
        "{4bf92f35-77b3-4da6-a3ce-929d0e0e4736}",
        f"{{{ID}}}",
        "urn:uuid:4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
        "URN:UUID:4BF92F35-77B3-4DA6-A3CE-929D0E0E4736",
        f"00-{ID}-00f067aa0ba902b7-01",
        f"cc-{ID}-00f067aa0ba902b7-01-what-the-future-will-be-like",
        "1-4bf92f35-77b34da6a3ce929d0e0e4736",
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=53995c3f42cd8ad8;Sampled=1",
        f"{ID}-e457b5a2e4d86bd1-1",
        f"{ID}-e457b5a2e4d86bd1-d-05e3ac9a4f6e3b90",
        f"{ID}/12345;o=1",
        f"projects/shop/traces/{ID}",
    ],
)
def test_a_trace_id_is_understood_as_other_tools_show_it(text: str) -> None:
    assert parse_trace_id(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "{",
        f"{{{ID}",
        f"urn:uuid:{{{ID}}}",
        "",
        "0" * 32,
        f"0x{'0' * 32}",
        ID[:-1],
        f"{ID}0",
        "xyz",
        f"00-{ID}",
        f"2-{ID}",
        f"{ID}/x",
        f"{ID}-e457b5a2",
        f"projects/a/b/traces/{ID}",
        "0x",
    ],
)
def test_what_is_no_trace_id_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match="is not a trace ID, which has 32 hexadecimal digits"):
        parse_trace_id(text)


def test_texts_are_exact_or_beginnings() -> None:
    request = SearchAuditEventsRequest(actor_id="al*", action="role.grant", target_id="bucket/\\*", source_id="\\**")
    wanted = audit_filter(request)
    assert wanted.equal == {"Action": "role.grant", "TargetId": "bucket/*"}
    assert wanted.prefixes == {"ActorId": "al", "SourceId": "*"}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            SearchAuditEventsRequest(outcome="failed"),
            "outcome: 'failed' is not success, failure or unknown; did you mean",
        ),
        (SearchAuditEventsRequest(category="foo"), "category: 'foo' is not admin, data, auth or system"),
        (SearchAuditEventsRequest(trace_id="x"), "'x' is not a trace ID"),
        (SearchAuditEventsRequest(target_type="*x"), "target_type: '\\*x' has a '\\*' that is not at its end"),
        (SearchAuditEventsRequest(service_name="a**"), "service_name: 'a\\*\\*' has a '\\*' that is not at its end"),
        (
            SearchAuditEventsRequest(since=Timestamp(seconds=2), until=Timestamp(seconds=2)),
            "since .* is not before until",
        ),
        (SearchAuditEventsRequest(since=Timestamp(seconds=-5)), "since is not between 1970 and 2262"),
    ],
)
def test_a_filter_that_nothing_could_match_is_refused(request_: SearchAuditEventsRequest, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        audit_filter(request_)


def test_words_may_be_in_upper_case() -> None:
    assert audit_filter(SearchAuditEventsRequest(outcome="FAILURE")).equal == {"Outcome": "failure"}
