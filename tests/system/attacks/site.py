"""A server as others reach it: closed to whoever has no credentials, who looked is on record, with or without TLS."""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.certificates import local_certificate, new_authority, put
from harness.lognotary_server import LognotaryServer
from server.access.callers import Grant, Role
from server.access.token_file import change_tokens
from server.access.token_text import digest_of, new_token
from server.access.tokens import Token
from server.notary.audit_words import ACCESS_SCOPE
from storage.clickhouse import connect
from storage.rowbinary import read_rows, text
from storage.url import parse_storage_url

__all__ = ["Kept", "Site", "create_token", "read_kept"]


class Site:
    """A server that is not started, with the client's side of TLS.

    Attributes:
        server: the server.
        context: TLS of clients; None if the server has none.
        tokens: the file of tokens.
        sender: token of a sender.
        admin: token of an administrator.
        limited: token of an administrator of the tenant alpha alone.
    """

    def __init__(self, directory: Path, *, tls: bool, toml: str = "", **flags: str | float) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "lognotary.toml").write_text(toml, encoding="utf-8")
        self.context: ssl.SSLContext | None = None
        if tls:
            authority = new_authority()
            files = put(local_certificate(authority), directory, "server")
            flags |= {"tls_cert": str(files.cert), "tls_key": str(files.key)}
            self.context = ssl.create_default_context(cadata=authority.issued.certificate.decode())
        self.tokens = directory / "tokens.json"
        self.server = LognotaryServer(
            f"chdb://{directory / 'chdb'}",
            directory / "data",
            batch_age=0.02,
            deployment="shop",
            access_log="on",
            authentication="required",
            tokens_file=str(self.tokens),
            **flags,  # type: ignore[arg-type]
        )

        self.sender = create_token(self, "sender", Grant(Role.SENDER))
        self.admin = create_token(self, "admin", Grant(Role.ADMIN))
        self.limited = create_token(self, "limited", Grant(Role.ADMIN, frozenset({"alpha"})))

    @contextlib.contextmanager
    def running(self) -> Iterator[Site]:
        """Run the server until the block ends."""
        with self.server:
            yield self

    @property
    def otlp(self) -> str:
        """Address of the HTTP port of OTLP."""
        return self.server.otlp_http.removeprefix("http://")

    @property
    def api(self) -> str:
        """Address of the HTTP port of the API."""
        return self.server.http.removeprefix("http://")


def create_token(site: Site, name: str, *grants: Grant, tenant: str = "") -> str:
    """Add a token to the file, which a server reads when it starts and again within a second; return its text."""
    text, now = new_token(), int(time.time())
    token = Token(name, digest_of(text), grants, tenant, None, now, None)
    change_tokens(site.tokens, lambda tokens: (tokens.created(token, now), None))
    return text


@dataclass(frozen=True, slots=True)
class Kept:
    """Records in storage: the bodies of operational records, and the attributes of records of who looked."""

    bodies: tuple[str, ...]
    looks: tuple[Mapping[str, str], ...]


def read_kept(server: LognotaryServer) -> Kept:
    """Read the storage of a server that has ended."""
    engine = connect(parse_storage_url(server.storage_url))
    try:
        bodies = [body for (body,) in read_rows(engine.query("SELECT Body FROM otel_logs"), (text,))]
        looks = f"SELECT toJSONString(LogAttributes) FROM audit_logs WHERE ScopeName = '{ACCESS_SCOPE}'"
        return Kept(tuple(bodies), tuple(json.loads(found) for (found,) in read_rows(engine.query(looks), (text,))))
    finally:
        engine.close()
