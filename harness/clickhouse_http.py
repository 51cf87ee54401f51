"""Minimal client of ClickHouse's HTTP interface, to examine a server from outside."""

import base64
import http.client
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import unquote, urlencode, urlsplit


class QueryError(RuntimeError):
    """The server answered a query with an error; the text is the server's."""


class ClickHouseServer:
    """A running server at a URL (``http://user:password@host:port``), whoever started it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(
        self,
        sql: str,
        *,
        database: str | None = None,
        body: bytes = b"",
        settings: Mapping[str, str | int] | None = None,
        timeout: float = 60.0,
    ) -> str:
        """Run one statement and return its result as TSV; ``body`` is data for an INSERT whose SQL ends in a format.

        Raises:
            QueryError: the server refuses the statement, or fails after its answer has begun.
            OSError: the server cannot be reached.
        """
        parts = urlsplit(self.url)
        # Without wait_end_of_query a failure half-way would arrive under the status 200.
        parameters = {"wait_end_of_query": "1", **(settings or {})}
        if database is not None:
            parameters["database"] = database
        if body:
            parameters["query"] = sql
        headers = {}
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "127.0.0.1", parts.port or 8123, timeout=timeout)
        try:
            connection.request("POST", f"/?{urlencode(parameters)}", body or sql.encode(), headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise QueryError(text.strip())
        return text.rstrip("\n")

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """Yield the name of an unused database, dropped afterwards."""
        name = f"test_{uuid.uuid4().hex}"
        self.query(f"CREATE DATABASE {name}")
        try:
            yield name
        finally:
            self.query(f"DROP DATABASE IF EXISTS {name} SYNC")
