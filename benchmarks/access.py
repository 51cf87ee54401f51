"""Ingestion from senders with tokens, and over TLS, compared with ingestion from senders without credentials.

Two servers take the same requests in turn, one of them over TLS. The other one takes them with tokens and without: a
token that is not required is checked all the same if it is there. The check alone is timed too, among many tokens: its
cost is far below what a load can tell from noise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Requests, loading
from benchmarks.processes import Meter, add_server_flags, clickhouse, lognotary, scratch, server_flags, stop_merges
from benchmarks.report import Report, add_report_flags
from benchmarks.shape import add_shape_flags, shape_of
from harness.certificates import CertificateFiles, local_certificate, new_authority, put
from harness.lognotary_server import LognotaryServer
from server.access.errors import UnauthenticatedError
from server.access.sender_check import SenderCheck
from server.access.senders import SenderCredentials
from server.access.token_file import change_tokens, tokens_path
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token, Tokens
from server.notary.origin import Stream

_LOGS = frozenset({Stream.AUDIT, Stream.OPERATIONAL})
_CALLS = 20_000


@dataclass(frozen=True, slots=True)
class _Run:
    """CPU of the server in microseconds, for each record and for each request."""

    record: float
    request: float


@dataclass(frozen=True, slots=True)
class _Way:
    """Server that takes the load, and flags of the loader."""

    server: LognotaryServer
    flags: dict[str, str]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    with scratch() as directory:
        _measure(options, directory).publish(options)


def _measure(options: argparse.Namespace, directory: Path) -> Report:
    requests = Requests.build(shape_of(options), directory)
    report = Report.of("access", "ingestion with tokens and TLS, against without", options)
    check, wrong = list[float](), list[float]()
    text, tokens = _made(options.tokens)
    token = {"authorization": f"Bearer {text}"}
    authority = new_authority()
    (ca := directory / "ca.pem").write_bytes(authority.issued.certificate)
    tls = _tls_flags(put(local_certificate(authority), directory, "server"))
    with clickhouse(directory) as node, ExitStack() as stack:
        report.versions["clickhouse"] = node.query("SELECT version()")
        flags = server_flags(options)
        plain, secure = (
            stack.enter_context(lognotary(f"{node.url}/{name}", directory, name, **flags, **more))
            for name, more in {"plain": {}, "secure": tls}.items()
        )
        for server in (plain, secure):
            change_tokens(tokens_path(server.data_dir), lambda _: (tokens, None))
        stop_merges(node)
        ways = {
            "no credentials": _Way(plain, {}),
            "tokens": _Way(plain, token),
            "tokens over TLS": _Way(secure, {"ca": str(ca), **token}),
        }
        for way in ways.values():  # the loads with tokens begin after these are in force
            _run(way, requests, options, max(2.0, options.seconds / 4))
        runs: dict[str, list[_Run]] = {name: [] for name in ways}
        for number in range(options.rounds):
            for name in reversed(ways) if number % 2 else ways:
                runs[name].append(_run(ways[name], requests, options, options.seconds))
            check.append(_time_check(tokens, text))
            wrong.append(_time_check(tokens, new_token()))
    taken = {name: [run.record for run in some] for name, some in runs.items()}
    for name, some in taken.items():
        report.figure(f"CPU of lognotary, {name}", "µs/record", some)
    whole = [run.request for run in runs["no credentials"]]
    report.figure("CPU of lognotary, no credentials", "µs/request", whole)
    report.figure("the check of a token alone", "µs/request", check)
    report.figure("the check of an unknown token alone", "µs/request", wrong)
    shares = [100 * part / request for part, request in zip(check, whole, strict=True)]
    report.figure("share of the check in a request", "%", shares)
    for name in ("tokens", "tokens over TLS"):
        report.ratio(f"{name} / no credentials", taken[name], taken["no credentials"])
    report.notes.append(f"{options.tokens} tokens; {requests.shape.records} records a request")
    return report


def _tls_flags(files: CertificateFiles) -> dict[str, str]:
    return {"otlp_grpc_tls_cert": str(files.cert), "otlp_grpc_tls_key": str(files.key)}


def _made(number: int) -> tuple[str, Tokens]:
    """Return the text of one token, and so many tokens."""
    texts = [new_token() for _ in range(number)]
    return texts[0], Tokens(tuple(Token(f"sender-{place}", digest_of(text)) for place, text in enumerate(texts)))


def _run(way: _Way, requests: Requests, options: argparse.Namespace, seconds: float) -> _Run:
    server = way.server
    with loading(server.otlp_grpc, requests, clients=options.clients, seconds=seconds, **way.flags) as begin:
        meter = Meter.of(server.pid)
        result = begin()()
        (taken,) = meter.read()
    return _Run(taken / result.records * 1e6, taken / result.requests * 1e6)


def _time_check(tokens: Tokens, text: str) -> float:
    """Return the CPU of one check in microseconds."""
    check, given = SenderCheck(required=True, tokens=lambda: tokens), SenderCredentials((f"Bearer {text}",))
    began = time.process_time()
    for _ in range(_CALLS):
        try:
            check.sender(given, _LOGS)
        except UnauthenticatedError:  # an unknown token is measured as well
            continue
    return (time.process_time() - began) / _CALLS * 1e6


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access", description=__doc__.partition("\n")[0])
    add_server_flags(parser)
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="clients of the loader (default: 8)")
    parser.add_argument("--seconds", type=float, default=10.0, metavar="S", help="load in each round (default: 10)")
    parser.add_argument("--tokens", type=int, default=1000, metavar="N", help="tokens of the server (default: 1000)")
    add_report_flags(parser, rounds=5)
    add_shape_flags(parser)
    return parser


if __name__ == "__main__":
    main()
