"""``lognotary tenants drop``: the question before, and what it says."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from lognotary.v1 import administration_pb2 as messages
from lognotary.v1 import administration_pb2_grpc
from server.cli import main

DROP = ("tenants", "drop", "shop", "--reason", "the contract ended")


class Administration(administration_pb2_grpc.AdministrationServiceServicer):
    def __init__(self) -> None:
        self.asked: list[messages.DropTenantRequest] = []
        self.kept: list[str] = []

    def DropTenant(  # noqa: N802 - the name is the API's
        self, request: messages.DropTenantRequest, context: Any
    ) -> messages.DropTenantResponse:
        self.asked.append(request)
        log = messages.DroppedLog(origin="lognotary/shop/audit/vm", entries=2)
        return messages.DropTenantResponse(tenant=request.tenant, audit_records=2, logs=[log], kept_logs=self.kept)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Administration]:
    """A service that answers the command."""
    server, found = grpc.server(ThreadPoolExecutor(1)), Administration()
    administration_pb2_grpc.add_AdministrationServiceServicer_to_server(found, server)
    monkeypatch.setenv("LOGNOTARY_API", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield found
    server.stop(None)


@pytest.mark.parametrize("typed", ["shop\n", " shop", "shop \nmore"])
def test_the_tenant_is_dropped_once_its_name_is_typed_again(
    service: Administration, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert main(DROP) == 0
    assert [(asked.tenant, asked.reason) for asked in service.asked] == [("shop", "the contract ended")]
    shown = capsys.readouterr().out
    assert "dropped 2 audit records, 0 operational records, 0 spans and 0 disclosed values of the tenant shop" in shown
    assert "lognotary/shop/audit/vm: the records of its first 2 entries are gone" in shown


@pytest.mark.parametrize("typed", ["", "\n", "shopp\n", "y\n"])
def test_nothing_is_dropped_if_something_else_is_typed(
    service: Administration, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert main(DROP) == 2
    assert service.asked == []
    assert "nothing was dropped" in capsys.readouterr().err


def test_logs_of_others_make_the_drop_incomplete(
    service: Administration, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(DROP) == 2
    service.kept = ["lognotary/shop/audit/other"]
    assert main((*DROP, "--yes", "--json")) == 1
    said = capsys.readouterr()
    assert "lognotary/shop/audit/other" in said.err
    assert '"keptLogs"' in said.out


@pytest.mark.parametrize("name", ["", "a/b", "audit", "-x"])
def test_a_name_that_no_tenant_has_is_wrong_usage(
    service: Administration, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tenants", "drop", "--reason", "why", "--yes", "--", name])
    assert ended.value.code == 2
    assert service.asked == []
    assert "tenant" in capsys.readouterr().err
