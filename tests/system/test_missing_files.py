"""Files that somebody deletes under a running server: it names them, and acknowledges nothing into the void."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
import httpx
import pytest

from harness.lognotary_server import LognotaryServer
from harness.otlp_load import log_record, send
from harness.waiting import wait_for


def delete_at_once(directory: Path) -> None:
    """Delete a directory in which a running server may just create a file."""
    shutil.rmtree(directory.rename(directory.with_name(f"{directory.name}.deleted")))


def readiness(server: LognotaryServer) -> str:
    return httpx.get(f"{server.http}/readyz", timeout=60.0).text


def test_deleted_files_of_embedded_storage_are_named_and_nothing_more_is_acknowledged(tmp_path: Path) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02) as server:
        send(server.otlp_grpc, log_record("kept"))
        delete_at_once(tmp_path / "chdb")
        for command in ("verify", "audit", "status"):
            done = server.cli(command)
            assert done.returncode in (1, 2)
            assert "files of the storage are missing" in done.stdout + done.stderr
            assert "types" not in done.stderr
        with pytest.raises(grpc.RpcError, match="files of the storage are missing"):
            send(server.otlp_grpc, log_record("refused"))
        wait_for(lambda: f"files of the storage in {tmp_path / 'chdb'} are missing" in readiness(server))


@pytest.mark.parametrize("ack", ["commit", "journal"])
def test_a_deleted_journal_is_named_and_nothing_more_is_acknowledged(tmp_path: Path, ack: str) -> None:
    with LognotaryServer(f"chdb://{tmp_path / 'chdb'}", tmp_path / "data", batch_age=0.02, ack=ack) as server:
        send(server.otlp_grpc, log_record("kept"))
        wait_for(lambda: server.verify()[1].records == 1)
        delete_at_once(server.data_dir / "journal")
        with pytest.raises(grpc.RpcError, match="the journal cannot be written now"):
            send(server.otlp_grpc, log_record("refused"))
        assert "is missing: it was deleted or moved" in readiness(server)
        server.wait_for_log("files are missing: the journal")
        server.stop()
        server.start()
        assert readiness(server) == "ok\n"
        send(server.otlp_grpc, log_record("accepted"))
        wait_for(lambda: server.verify()[1].records == 2)


def test_deleted_keys_are_a_warning_while_the_server_signs_on(storage_url: str, tmp_path: Path) -> None:
    with LognotaryServer(storage_url, tmp_path / "data", batch_age=0.02) as server:
        delete_at_once(server.data_dir / "keys")
        server.wait_for_log("the signing key is missing: ")
        send(server.otlp_grpc, log_record("signed"))
        assert readiness(server) == "ok\n"
        assert server.verify()[0] == []
