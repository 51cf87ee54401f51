"""Pages of other sites cannot send records to a port of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from server.access.browsers import SenderRules
from server.access.sender_check import SenderCheck
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token, Tokens
from server.otlp.http_receiver import build_http_app
from server.pipeline.measures import RequestMeasure
from server.process.pools import Pool
from tests.otlp.posting import BOTH, DOCUMENT_BODY, JSON, LIMIT, status_of
from tests.otlp.recording import RecordingIngest

TOKEN = new_token(lambda size: b"a" * size)
CHECK = SenderCheck(tokens=lambda: Tokens((Token("checkout", digest_of(TOKEN)),)))
REBOUND = {
    "Host": "evil.example:4318",
    "Origin": "http://evil.example:4318",
    "Sec-Fetch-Site": "same-origin",
}


async def post(
    ingest: RecordingIngest,
    headers: dict[str, str],
    *,
    body: bytes | AsyncIterator[bytes] = DOCUMENT_BODY,
    on_loopback: bool = True,
    measures: list[RequestMeasure] | None = None,
) -> httpx.Response:
    app = build_http_app(
        ingest,
        LIMIT,
        Pool("ingest", 1),
        ([] if measures is None else measures).append,
        check=CHECK,
        pages=SenderRules(is_on_loopback=on_loopback),
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:4318") as http:
        return await http.post("/v1/logs", content=body, headers=headers)


async def body_that_nobody_reads() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


@pytest.mark.parametrize("kind", BOTH)
async def test_a_page_under_a_name_that_leads_to_this_machine_is_refused_unread(kind: dict[str, str]) -> None:
    measures: list[RequestMeasure] = []
    answer = await post(RecordingIngest(), kind | REBOUND, body=body_that_nobody_reads(), measures=measures)
    assert answer.status_code == 403
    assert "a page of another site" in status_of(answer).message
    (measure,) = measures
    assert (measure.outcome, measure.denial) == ("forbidden", "forbidden")


async def test_programs_on_this_machine_and_senders_with_credentials_are_served() -> None:
    ingest = RecordingIngest()
    for headers in (
        {},
        {"Host": "localhost:4318"},
        {"Host": "[::1]:4318"},
        REBOUND | {"Authorization": f"Bearer {TOKEN}"},
    ):
        assert (await post(ingest, JSON | headers)).status_code == 200
    assert (await post(ingest, JSON | REBOUND, on_loopback=False)).status_code == 200
    assert len(ingest.requests) == 5


async def test_credentials_that_are_wrong_are_refused_as_such() -> None:
    answer = await post(RecordingIngest(), JSON | REBOUND | {"Authorization": "Bearer x"})
    assert answer.status_code == 401
