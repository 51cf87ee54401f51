"""The OpenAPI document has every path that is served."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest
from starlette.routing import Route

from docs.openapi import build_document
from docs.openapi_paths import OPERATIONS, Operation
from server.api.administration import Administration
from server.api.backend import Backend
from server.api.disclosures import Disclosures
from server.api.http_api import build_http_api
from server.api.measured_calls import GRPC_CALLS, HTTP_CALLS
from server.api.tenant_drops import TenantDrops
from server.api.tokens import TokenAdministration
from server.data_dir.drop_orders import DropOrders
from server.notary.trust import TrustedKeys
from server.process.pools import Pool
from storage.engine import Engine

_FILES = "/tlog/{log_id}/{path}"  # one route for all files of a log; the document has a path for each
_NOT_MEASURED = {"/trace/{trace_id}", "/healthz", "/readyz", "/metrics"}


def test_the_document_has_every_route_with_its_methods(engine: Engine, tmp_path: Path) -> None:
    administration = Administration(engine, {}, lambda _: None, "off")
    disclosures = Disclosures(engine, lambda *_: None, "off")
    drops = TenantDrops(engine, lambda _: None, "off", administration.changing, DropOrders(tmp_path), [])
    app = build_http_api(
        Backend(engine, TrustedKeys()),
        Pool("api", 1),
        lambda: "",
        lambda: b"",
        administration=administration,
        disclosures=disclosures,
        drops=drops,
        tokens=TokenAdministration(tmp_path / "tokens.json", dict, "off"),
    )
    routes = [cast(Route, route) for route in app.routes]
    served = {
        (re.sub(r":path}", "}", route.path), method.lower())
        for route in routes
        for method in (route.methods or set()) - {"HEAD"}
    }
    paths = build_document()["paths"]
    documented = {(path, method) for path, found in paths.items() for method in found}
    assert {path for path, _ in served} == {re.sub(r":path}", "}", path) for path in HTTP_CALLS} | _NOT_MEASURED
    assert {each for each in documented if not each[0].startswith("/tlog/")} == served - {(_FILES, "get")}


def test_fields_of_a_body_that_are_words_of_an_enumeration_may_be_null(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("docs.openapi.OPERATIONS", [Operation("/x", "CorrelationService.Tail", method="post")])
    fields = build_document()["components"]["schemas"]["TailRequest"]["properties"]
    check = {"anyOf": [{"$ref": "#/components/schemas/EvidenceCheck"}, {"type": "null"}]}
    assert check.items() <= fields["check"].items()
    assert fields["query"]["type"] == ["string", "null"]


def test_a_log_in_a_path_is_described_by_its_id_alone() -> None:
    paths = {path: found["get"] for path, found in build_document()["paths"].items() if "{log}" in path}
    described = {
        path: one["description"] for path, get in paths.items() for one in get["parameters"] if one["name"] == "log"
    }
    assert described.keys() == paths.keys() != set()
    assert all(description.startswith("The log's log_id") for description in described.values())


def test_every_call_of_the_grpc_api_is_served_over_http_too() -> None:
    over_http = {operation.call.replace(".", "/") for operation in OPERATIONS}
    assert set(GRPC_CALLS) == over_http
