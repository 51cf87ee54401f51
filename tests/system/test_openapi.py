"""The HTTP API conforms to its OpenAPI document: schemathesis sends requests to the real server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from docs.openapi import DOCUMENT, document_text
from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import PATIENCE

EXAMPLES = 12  # of each operation
_CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_every_answer_is_one_that_the_document_allows(shared_server: LognotaryServer, mode: GenerationMode) -> None:
    send(shared_server.otlp_grpc, log_record("paid"), log_record("login", log_type="audit", audit_actor_id="bob"))
    document = schemathesis.openapi.from_url(f"{shared_server.http}/api/openapi.json")
    operations = []
    for found in document.get_all_operations():
        assert isinstance(found, Ok)
        operations.append(found.ok())
    assert len(operations) > 20
    for operation in operations:
        if operation.path == "/api/v1/tail" and mode is GenerationMode.POSITIVE:
            continue  # its answer does not end

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(checks=_CHECKS, timeout=PATIENCE)

        try:
            ask()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # everything is valid where there are no parameters


def test_an_id_in_a_path_may_have_any_characters(shared_server: LognotaryServer) -> None:
    for actor in ("a\nb", "\n", "/x//y/", "%2F", "ä ?#"):
        answer = httpx.get(f"{shared_server.http}/api/v1/actors/{quote(actor, safe='')}")
        assert (answer.status_code, answer.json()["actorId"]) == (200, actor)


def test_no_redirect_leads_to_a_host_that_the_caller_names(shared_server: LognotaryServer) -> None:
    for path in ("/api/v1/search/", "/trace/1/", "/api/v1/logs/", "//example.org/api/v1/logs"):
        for host, status in (("example.org", 403), ("localhost", 404)):  # callers without credentials name this machine
            answer = httpx.get(f"{shared_server.http}{path}", headers={"Host": host})
            assert "example.org" not in answer.headers.get("location", "")
            assert answer.status_code == status


def test_numbers_of_words_are_refused(shared_server: LognotaryServer) -> None:
    answer = httpx.get(f"{shared_server.http}/api/v1/search?check=1")
    assert answer.status_code == 400
    assert "check: '1' is not CHECK_RECORDS or CHECK_SIGNATURES" in answer.json()["message"]


def test_the_document_is_valid_and_up_to_date(shared_server: LognotaryServer) -> None:
    served = httpx.get(f"{shared_server.http}/api/openapi.json")
    assert served.headers["content-type"] == "application/json"
    assert served.text == DOCUMENT.read_text(encoding="utf-8") == document_text()
    OpenAPIV31SpecValidator(json.loads(served.text)).validate()
