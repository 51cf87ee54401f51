"""``GetBundle`` over gRPC and HTTP: the files that ``lognotary prove`` writes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lognotary.v1 import evidence_pb2 as pb
from lognotary.v1.evidence_pb2_grpc import EvidenceServiceStub
from server import check
from server.api.backend import Backend
from server.api.bundle_files import bundle_files
from server.api.bundles import get_bundle
from server.api.errors import AlteredError, InvalidArgumentError, NotFoundError
from server.api.http_api import build_http_api
from server.api.proof_cache import ProofCache
from server.explorer.bundle_page import ExplorerNotBuiltError
from server.notary.origin import Stream
from server.process.pools import Pool
from tests.api.growing import delete, update
from tests.api.store import LOGS, Writer, audit_event, log_record, serving

AUDIT, OPERATIONAL = LOGS[Stream.AUDIT], LOGS[Stream.OPERATIONAL]
PAGE = b'<!doctype html><script type="application/json" id="bundle">null</script>'


@pytest.fixture
def records(writer: Writer) -> Writer:
    """Three audit records and a log record."""
    writer.write([audit_event("login", at=1), audit_event("export", at=2), audit_event("logout", at=3)])
    writer.write([log_record("paid")])
    return writer


def bundle(writer: Writer, **request: Any) -> pb.GetBundleResponse:
    asked = pb.GetBundleRequest(**{"log": AUDIT.origin, "leaf_index": 1, **request})
    return get_bundle(writer.engine, writer.keys, ProofCache(), asked, lambda: PAGE)


def read(answer: pb.GetBundleResponse, directory: Path) -> dict[str, bytes]:
    path = directory / answer.file_name
    path.write_bytes(answer.content)
    return check.read_bundle(path)


@pytest.fixture
async def http(records: Writer) -> AsyncIterator[httpx.AsyncClient]:
    backend = Backend(records.engine, records.keys, bundle_template=lambda: PAGE)
    app = build_http_api(backend, Pool("api", 2), lambda: "", lambda: b"")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


@pytest.mark.parametrize("form", ["zip", "html", ""])
def test_a_bundle_proves_its_record(records: Writer, form: str, tmp_path: Path) -> None:
    answer = bundle(records, format=form)
    assert answer.file_name == f"shop-audit-node-1-1.{form or 'zip'}"
    assert answer.media_type == {"html": "text/html; charset=utf-8"}.get(form, "application/zip")
    files = read(answer, tmp_path)
    keys = [check.parse_key(str(key)) for key in records.signer.verifier_keys(AUDIT.origin)]
    proved = check.check(files, keys).proved
    assert proved is not None
    assert (proved["Action"], proved["LeafIndex"]) == ("export", 1)
    request = pb.GetInclusionProofRequest(log=AUDIT.origin, leaf_index=1, include_record=True, for_evidence=True)
    proof = Backend(records.engine, records.keys).get_inclusion_proof(request)
    assert files == bundle_files(proof)


def test_a_log_is_named_by_its_origin_or_its_id(records: Writer) -> None:
    assert bundle(records, log=AUDIT.log_id) == bundle(records)


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"format": "tar"}, InvalidArgumentError, "format: 'tar' is not zip or html"),
        ({"log": "nowhere"}, InvalidArgumentError, "nowhere"),
        ({"log": "shop/audit/node-2"}, NotFoundError, "there is no log"),
        ({"leaf_index": 3}, NotFoundError, "there is no leaf 3"),
        ({"leaf_index": None}, InvalidArgumentError, "leaf_index must be given"),
    ],
)
def test_a_wrong_request_is_refused(
    records: Writer, request_: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        bundle(records, **request_)


def test_a_record_that_is_not_what_was_signed_has_no_bundle(records: Writer) -> None:
    update(records.engine, "audit_logs", "Action = 'import'", "Action = 'export'")
    with pytest.raises(AlteredError, match="record 1 of shop/audit/node-1 cannot be proved, it is tampered: "):
        bundle(records)
    delete(records.engine, "audit_logs", "Action = 'import'")
    with pytest.raises(NotFoundError, match="record 1 of shop/audit/node-1 is no longer stored"):
        bundle(records)


def test_a_server_without_the_page_says_what_to_do(records: Writer) -> None:
    def missing() -> bytes:
        raise ExplorerNotBuiltError("this installation cannot write bundles as HTML")

    asked = pb.GetBundleRequest(log=AUDIT.origin, leaf_index=1, format="html")
    with pytest.raises(InvalidArgumentError, match="format: this installation cannot write bundles as HTML"):
        get_bundle(records.engine, records.keys, ProofCache(), asked, missing)


async def test_a_download_over_http_is_the_answer_over_grpc(records: Writer, http: httpx.AsyncClient) -> None:
    async with serving(records.engine, records.keys) as channel:
        expected = await EvidenceServiceStub(channel).GetBundle(
            pb.GetBundleRequest(log=OPERATIONAL.log_id, leaf_index=0)
        )
    answer = await http.get(f"/api/v1/logs/{OPERATIONAL.log_id}/bundle", params={"leaf_index": "0"})
    assert (answer.status_code, answer.content) == (200, expected.content)
    assert answer.headers["content-type"] == expected.media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{expected.file_name}"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert b"paid" in archive.read("record.bin")


async def test_a_page_over_http_never_runs_in_the_origin_of_the_server(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"/api/v1/logs/{AUDIT.log_id}/bundle", params={"leaf_index": "2", "format": "html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-disposition"] == 'attachment; filename="shop-audit-node-1-2.html"'
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert re.search(rb'id="bundle">\{\n"README.txt": "', answer.content)


async def test_errors_over_http_are_json(http: httpx.AsyncClient) -> None:
    path = f"/api/v1/logs/{AUDIT.log_id}/bundle"
    for query, status, code in (
        ("", 400, "INVALID_ARGUMENT"),
        ("?leaf_index=9", 404, "NOT_FOUND"),
        ("?leaf_index=0&format=pdf", 400, "INVALID_ARGUMENT"),
        ("?leaf_index=0&disclose=all", 400, "INVALID_ARGUMENT"),
    ):
        answer = await http.get(path + query)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "content-disposition" not in answer.headers
