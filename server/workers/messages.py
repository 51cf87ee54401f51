"""Messages between a server and its worker processes.

The server writes an order, one line, to the worker's standard input, and keeps the pipe open. The end of input
stops the worker, whether the server closed the pipe or has ended. The worker writes reports to its standard
output, one JSON object per line, through ``report_pipe``.
"""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from server.admission.tenant_limits import Usage
from server.settings.settings import Settings

__all__ = ["CANNOT_START", "REPORT_INTERVAL", "Order", "Report", "decode_usage", "encode_usage"]

REPORT_INTERVAL = 0.5
"""Seconds between the reports of a worker that is running."""

CANNOT_START = 2
"""Exit status of a worker that would fail again after a restart."""


@dataclass(frozen=True, slots=True)
class Order:
    """The configuration of a worker.

    Attributes:
        number: number of the worker, from 1.
        writer: writer's name of the worker.
        settings: settings of the server, with its data directory and with the worker's share of the memory limit.
        own_token: token of the server's processes; see ``own_records.proof``.
    """

    number: int
    writer: str
    settings: Settings
    own_token: str

    def encode(self) -> bytes:
        """Return the order as a line. It has the password of storage, so it must not go on a command line."""
        # Compressed, it fits into the buffer of a pipe, so that the server never waits for a worker to read it.
        return base64.b64encode(zlib.compress(pickle.dumps(self))) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Order:
        """Decode an order."""
        # Only the process that started this one can write to its standard input.
        order: Order = pickle.loads(zlib.decompress(base64.b64decode(line)))  # noqa: S301
        return order


@dataclass(frozen=True, slots=True)
class Report:
    """Report of a worker.

    Attributes:
        starting: reason why the worker does not accept records yet; empty from when it does.
        not_ready: reason why the worker cannot commit records; empty if it can.
        failure: reason why the worker can never start; empty if there is none.
        metrics: metrics of the worker, in Prometheus' text format.
        signed_by: fingerprints of the keys that sign all logs of the worker, according to storage, by the holder of
            these keys; empty during a key change.
        rules_problem: reason why the worker could not reload its audit rules; empty if it could.
        usage: what tenants have sent to the worker since its start, see ``encode_usage``; empty if the report, like
            most, leaves it out.
        reloads: number of times that the worker has read its keys and audit rules, the first time at its start.
    """

    starting: str = ""
    not_ready: str = ""
    failure: str = ""
    metrics: str = ""
    signed_by: Mapping[str, str] = field(default_factory=dict)
    rules_problem: str = ""
    usage: str = ""
    reloads: int = 0

    def encode(self) -> bytes:
        """Return the report as a line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Report:
        """Decode a report.

        Raises:
            ValueError: the line is not a report.
        """
        try:
            given = json.loads(line)
            signed_by = {str(holder): str(keys) for holder, keys in given.pop("signed_by", {}).items()}
            reloads = int(given.pop("reloads", 0))
            return cls(**{name: str(value) for name, value in given.items()}, signed_by=signed_by, reloads=reloads)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"invalid report from a worker: {line[:100]!r}") from error


def encode_usage(usage: Mapping[str, Usage]) -> str:
    """Return the usage of tenants as a JSON object: for each tenant its bytes, records and refused requests."""
    numbers = {tenant: (one.size, one.records, one.refused) for tenant, one in usage.items()}
    return json.dumps(numbers, separators=(",", ":"))


def decode_usage(text: str) -> dict[str, Usage]:
    """Return the usage of tenants.

    Raises:
        ValueError: the text does not have it.
    """
    try:
        return {tenant: Usage(*map(int, numbers)) for tenant, numbers in json.loads(text).items()}
    except (AttributeError, TypeError) as error:
        raise ValueError(f"invalid usage in a report from a worker: {text[:100]!r}") from error
