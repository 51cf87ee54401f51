"""Two tenants on one storage: what each has, and what calls ask for."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from server.codec.provenance import Provenance
from server.log.journal import Journal
from server.notary.origin import LogName, Stream
from storage.engine import Engine
from tests.api.store import Writer, audit_event, log_record, moment, span

__all__ = ["LOGS", "NAMES", "ORIGINS", "RANGE", "SHARED", "TENANTS", "UNKNOWN", "WORDS", "tenant"]

TENANTS = {"alpha": "a" * 32, "bravo": "b" * 32}
SHARED = "c" * 32
UNKNOWN = "d" * 32
LOGS = {name: {stream: LogName(f"shop/{name}", stream, "node-1") for stream in Stream} for name in TENANTS}
ORIGINS = [log.origin for logs in LOGS.values() for log in logs.values()]
NAMES = [*ORIGINS, *(log.log_id for logs in LOGS.values() for log in logs.values()), "shop/none/audit/x", "0" * 16]
WORDS = ["alpha", "bravo", "shared", "none"]
RANGE: dict[str, Any] = {"since": moment(-1000), "until": moment(10**9)}


def tenant(engine: Engine, directory: Path, name: str) -> Writer:
    """Write records, spans and evidence of a tenant, and return the writer."""
    with closing(Journal(directory / name, 1 << 20)) as journal:
        writer = Writer(engine, journal, LOGS[name], Provenance(name, f"token:{name}"))
        own = TENANTS[name]
        for turn in range(3):
            at = 10 * turn
            writer.write(
                [
                    audit_event(f"{name}.create", actor=name, at=at, trace=own, target_id=f"{name}-target"),
                    audit_event("shared.delete", actor="shared", at=at + 1, trace=SHARED, target_id="shared-target"),
                    log_record(f"{name} said shared words", at=at + 2, trace=own, marker=name, both="shared"),
                    log_record("shared words", at=at + 3, trace=SHARED, both="shared"),
                ],
                service=name if turn else "shared",
            )
            writer.write_spans([span(f"{name} span", at=at, trace=SHARED), span("shared", at=at, trace=own)])
    own_logs = ", ".join(f"'{log.log_id}'" for log in LOGS[name].values())
    for table in ("log_batches", "log_tiles", "log_statements"):
        engine.execute(
            f"ALTER TABLE {table} UPDATE Tenant = '{name}' WHERE LogId IN ({own_logs}) SETTINGS mutations_sync = 2"
        )
    return writer
