"""Links from a trace to other tools, from the setting to those who read the trace."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import httpx

from harness.lognotary_server import LognotaryServer, run_lognotary
from harness.otlp_load import log_record, send
from lognotary.v1.correlation_pb2 import GetTraceRequest

LINKS = [
    "Tempo=https://tempo.example/trace/{trace_id}",
    "Shop orders=http://shop.example:8080/o?t={trace_id}&c=time%2Cuser&again={trace_id}#logs",
]


def test_links_of_a_trace_are_in_its_first_answer_over_grpc_and_http_and_in_the_output_of_the_command(
    tmp_path: Path,
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f"trace_links = {json.dumps(LINKS)}\n")
    trace_id, now = uuid.uuid4().hex, time.time_ns()
    expected = [
        {"name": "Tempo", "url": f"https://tempo.example/trace/{trace_id}"},
        {
            "name": "Shop orders",
            "url": f"http://shop.example:8080/o?t={trace_id}&c=time%2Cuser&again={trace_id}#logs",
        },
    ]
    server = LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, config=str(settings))
    with server:
        send(server.otlp_grpc, *(log_record(f"log {n}", trace_id=trace_id, timestamp=now + n) for n in range(3)))
        with server.correlation() as api:
            request = GetTraceRequest(trace_id=str(uuid.UUID(trace_id)).upper(), limit=2)
            first = api.GetTrace(request)
            assert [{"name": link.name, "url": link.url} for link in first.links] == expected
            request.page_token = first.next_page_token
            second = api.GetTrace(request)
            assert (len(second.entries), len(second.links)) == (1, 0)
        answer = httpx.get(f"{server.http}/trace/0x{trace_id}", timeout=60.0, follow_redirects=True)
        assert answer.json()["links"] == expected
        shown = server.cli("trace", trace_id)
        assert shown.returncode == 0, shown.stderr
        assert shown.stdout.count("://") == 2
        for link in expected:
            assert f"{link['name']:11}  {link['url']}\n" in shown.stdout
        read = server.cli("trace", "--json", trace_id)
        assert json.loads(read.stdout)["links"] == expected

        settings.write_text("")  # read at the next start
        assert server.stop() == 0
        server.start()
        assert "://" not in server.cli("trace", trace_id).stdout


def test_a_server_does_not_start_with_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    refused = run_lognotary("serve", "--trace-links", "Tempo=https://tempo.example/", cwd=tmp_path)
    assert refused.returncode == 2
    assert "--trace-links: the URL of 'Tempo' has no {trace_id}" in refused.stderr
