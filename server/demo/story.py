"""The steps of the demo, each checked on the API's responses."""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import grpc

from lognotary.v1 import correlation_pb2, correlation_pb2_grpc, evidence_pb2, evidence_pb2_grpc
from server.commands.output import Style, complain, say
from server.commands.render import finding_lines
from server.commands.timeline import trace_lines
from server.commands.verdict import summary_lines
from server.demo.checks import (
    CULPRIT,
    SCAPEGOAT,
    Sent,
    UnexpectedError,
    check_found,
    check_tampered,
    check_trace,
    check_verified,
)
from server.demo.server_process import RunningServer, ServerFailedError, running_server
from server.demo.shop import Shop
from server.explorer.assets import built_files, why_not_built
from server.notary.trust import fingerprint, read_public_pem
from storage.clickhouse import connect
from storage.errors import StorageError
from storage.url import EmbeddedUrl

__all__ = ["change_record", "send_records", "show_trace", "show_verification", "tell"]

_SALES = 40
_ORDER = 1047


def tell(*, keep: bool = False) -> int:
    """Run the demo and return its exit status; ``keep`` as in ``run_demo``."""
    try:
        with _ending_in_order(), tempfile.TemporaryDirectory(prefix="lognotary-demo-") as directory:
            _tell(Path(directory), keep=keep)
    except (UnexpectedError, ServerFailedError) as error:
        problem = str(error)
    except (grpc.RpcError, StorageError) as error:
        problem = f"a call failed: {error}"
    else:
        return 0
    complain(f"the demo did not go as expected: {problem}")
    return 1


def _tell(directory: Path, *, keep: bool) -> None:
    _heading(1, "A server starts in a temporary directory, with embedded storage", "lognotary serve")
    with running_server(directory) as server:
        say(f"Receiving OTLP on {server.otlp_grpc}; the API is on {server.api_grpc}")

        _heading(2, "Four services of a shop send logs, audit events and spans through the OpenTelemetry SDK")
        sent = send_records(server.otlp_grpc)
        say(f"{sent.records} records sent. A sender gets OK once its records and the signature over them are stored.")

        _heading(3, "What happened when order 1047 was refunded, and who did it?", f"lognotary trace {sent.trace_id}")
        event = check_trace(show_trace(server, sent), sent)

        _heading(4, "Every signature and every record is verified", "lognotary verify")
        check_verified(show_verification(server), sent)

    _heading(5, f"The server stops. {CULPRIT.title()}, who has access to the database, changes a row")
    say(change_record(directory / "data", event.evidence))

    _heading(6, "The server starts again, and everything is verified again", "lognotary serve", "lognotary verify")
    with running_server(directory) as server:
        check_found(show_verification(server), event.evidence)

        _heading(7, "The trace again", f"lognotary trace {sent.trace_id}")
        check_tampered(show_trace(server, sent), event.evidence)
        closing = _style().paint("Verification found the change and named the record.", "1")
        page = f"http://{server.http}/trace/{sent.trace_id}"
        if keep:
            say("", closing)
            _stay(server, page, directory)
    if not keep:
        say("", f"{closing} The temporary directory is removed.")
        advice = "run lognotary demo --keep: it leaves the server running, and prints the address."
        say(f"To see the trace in a browser, {advice}")


def _stay(server: RunningServer, page: str, directory: Path) -> None:
    """Leave the server running until Ctrl-C."""
    say("The server runs on, with these records and the changed one. Open the trace in a browser:", "", f"  {page}", "")
    if why := why_not_built(built_files()):
        say(f"(The browser will only show how to get the explorer, which this installation is without: {why})", "")
    say("For commands, such as those that its pages show, run this in the other terminal first:", "")
    say(f"  export LOGNOTARY_API={server.api_grpc}", "")
    public = directory / "data" / "keys" / "public-key.pem"
    key = fingerprint(read_public_pem(public.read_text(encoding="ascii")))
    say(f"The server signs with the key {key}. To pin it at http://{server.http}/trust, give this file:", "")
    say(f"  {public}", "")
    say(f"Its data is in {directory}. Ctrl-C stops the server and removes the directory.")
    try:
        server.wait()
    except KeyboardInterrupt:
        say("", "The server stops, and the temporary directory is removed.")


def send_records(otlp_grpc: str) -> Sent:
    """Run the shop's transactions, including the refund."""
    with Shop(otlp_grpc) as shop:
        customers = ("alice", "carol", "dave", "erin")
        for number in range(_SALES):
            shop.sell(1000 + number, customers[number % len(customers)])
            if number == _SALES // 2:
                trace_id = shop.refund_by_bob(_ORDER)
        shop.flush()
        return Sent(trace_id, shop.sent)


def show_trace(server: RunningServer, sent: Sent) -> correlation_pb2.GetTraceResponse:
    """Fetch the refund's trace, and print it."""
    with _channel(server) as channel:
        stub = correlation_pb2_grpc.CorrelationServiceStub(channel)
        trace: correlation_pb2.GetTraceResponse = stub.GetTrace(correlation_pb2.GetTraceRequest(trace_id=sent.trace_id))
    say(*trace_lines(trace, _style()))
    return trace


def show_verification(server: RunningServer) -> list[evidence_pb2.VerifyResponse]:
    """Verify everything, and print the findings."""
    with _channel(server) as channel:
        steps = list(evidence_pb2_grpc.EvidenceServiceStub(channel).Verify(evidence_pb2.VerifyRequest()))
    for step in steps:
        if step.HasField("finding"):
            say(*finding_lines(step.finding, _style()))
        elif step.HasField("summary"):
            say(*summary_lines(step.summary, _style()))
    return steps


def change_record(data_dir: Path, evidence: evidence_pb2.Evidence) -> str:
    """Change the actor of a stored record, behind the server's back.

    Args:
        data_dir: the data directory of a stopped server.
        evidence: evidence that identifies the record.

    Returns:
        The SQL statement that changed it.
    """
    statement = (
        f"ALTER TABLE audit_logs UPDATE ActorId = '{SCAPEGOAT}' "
        f"WHERE LogId = '{evidence.log_id}' AND LeafIndex = {evidence.leaf_index}"
    )
    engine = connect(EmbeddedUrl((data_dir / "chdb").absolute()))
    try:
        engine.execute(f"{statement} SETTINGS mutations_sync = 2")
    finally:
        engine.close()
    return statement


def _channel(server: RunningServer) -> grpc.Channel:
    return grpc.insecure_channel(server.api_grpc, options=[("grpc.enable_http_proxy", 0)])


def _style() -> Style:
    return Style.of(sys.stdout, utc=False)


def _heading(number: int, text: str, *commands: str) -> None:
    say("", _style().paint(f"{number}. {text}", "1;34"), "")
    for command in commands:
        say(_style().paint(f"$ {command}", "2"))


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Handle signals like Ctrl-C: stop the server and remove the directory."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature is given
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
