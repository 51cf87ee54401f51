"""Storage URLs: ``chdb:///path`` for the embedded engine, ``http(s)://host:8123/db`` for a server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from storage.errors import StorageConfigError

__all__ = ["DEFAULT_DATABASE", "EmbeddedUrl", "ServerUrl", "StorageUrl", "names_database", "parse_storage_url"]

_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
DEFAULT_DATABASE = "lognotary"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,15}:/", re.ASCII)
_FILES = ("ca_cert", "client_cert", "client_key")


@dataclass(frozen=True, slots=True)
class EmbeddedUrl:
    """The embedded engine on a directory.

    Attributes:
        path: the directory.
        database: the database.
        key_file: file with the key of its encrypted disk; None if it is not encrypted.
        retired_key_files: files with replaced keys, which files of the disk may still be encrypted with.
    """

    path: Path
    database: str = DEFAULT_DATABASE
    key_file: Path | None = None
    retired_key_files: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"chdb://{self.path}"


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A ClickHouse server's HTTP interface.

    Attributes:
        host, port: where it listens.
        secure: True for TLS.
        database: the database.
        username, password: user of ClickHouse; with a client certificate and no password, the certificate proves it.
        ca_cert: file with the CA of the server's certificate; empty for the CAs that this machine trusts.
        client_cert, client_key: files with a client certificate and its key; empty for none.
    """

    host: str
    port: int
    secure: bool
    database: str = DEFAULT_DATABASE
    username: str = "default"
    password: str = field(default="", repr=False)
    ca_cert: str = ""
    client_cert: str = ""
    client_key: str = ""

    @property
    def address(self) -> str:
        """``host:port``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return the URL without the password, for logs and messages."""
        scheme = "https" if self.secure else "http"
        return f"{scheme}://{self.username}@{self.address}/{self.database}"


StorageUrl = EmbeddedUrl | ServerUrl


def parse_storage_url(text: str) -> StorageUrl:
    """Read a storage URL.

    Raises:
        StorageConfigError: the text is not a storage URL; the message shows the two forms.
    """
    shown = _without_password(text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise StorageConfigError(f"not a storage URL, because its host or port cannot be read: {shown!r}") from error
    if parts.scheme == "chdb":
        path = unquote(parts.path)
        if parts.netloc or not path.startswith("/") or path == "/" or "?" in text or "#" in text:
            raise StorageConfigError(f"an embedded storage URL must be chdb:///absolute/path, not {shown!r}")
        return EmbeddedUrl(Path(path))
    if parts.scheme in ("http", "https") and parts.hostname:
        secure = parts.scheme == "https"
        database = _database(parts)
        if not _DATABASE.fullmatch(database):
            raise StorageConfigError(f"{database!r} is not a database name of letters, digits and '_'")
        return ServerUrl(
            host=parts.hostname,
            port=port or (8443 if secure else 8123),
            secure=secure,
            database=database,
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
            **_files(parts, secure=secure),
        )
    raise StorageConfigError(
        f"not a storage URL: {shown!r}; use chdb:///absolute/path or http(s)://user:password@host:8123/database"
    )


def _without_password(text: str) -> str:
    """Return a text that should be a storage URL as messages may show it.

    All before the last ``@`` may be of a password, also where the text is no URL that has one there.
    """
    before, at, rest = text.rpartition("@")
    scheme = _SCHEME.match(before)
    begin = (scheme[0] + "/" * before.startswith("/", scheme.end())) if scheme else ""
    return f"{begin}{'***@' if at else ''}{rest}".partition("?")[0]


def names_database(text: str) -> bool:
    """Return whether a valid storage URL leaves no choice of the database: ``DEFAULT_DATABASE`` is taken otherwise."""
    parts = urlsplit(text)
    return parts.scheme == "chdb" or bool(_named_databases(parts))


def _database(parts: SplitResult) -> str:
    """Return the database that a server's URL names."""
    if parts.fragment:
        raise StorageConfigError("a storage URL has no fragment: write '#' in a name or password as %23")
    named = _named_databases(parts)
    parameters = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    unknown = next((name for name in parameters if name not in ("database", *_FILES)), None)
    # No message shows what may be a part of a password.
    if any("@" in name for name in named) or (unknown is not None and "@" in unquote(parts.query)):
        raise StorageConfigError(
            "the storage URL has an '@' behind its host: write special characters in the user and the password as %XX"
        )
    if unknown is not None:
        raise StorageConfigError(
            f"{unknown!r} is not a parameter of a storage URL, which is http(s)://user:password@host:8123/database; "
            f"there are {', '.join(_FILES)} and database"
        )
    if len(named) > 1:
        raise StorageConfigError(
            f"the storage URL names two databases, {' and '.join(map(repr, sorted(named)))}: leave out one"
        )
    return named.pop() if named else DEFAULT_DATABASE


def _files(parts: SplitResult, *, secure: bool) -> dict[str, str]:
    """Return the files of TLS that a server's URL names, by parameter."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _FILES:
            continue
        if name in found:
            raise StorageConfigError(f"the storage URL has {name} twice: leave out one")
        if not value:
            raise StorageConfigError(f"{name} of the storage URL is empty: give a file, or leave it out")
        found[name] = value
    if found and not secure:
        raise StorageConfigError(
            f"{' and '.join(found)} of the storage URL need TLS: write https:// instead of http://"
        )
    if ("client_cert" in found) != ("client_key" in found):
        raise StorageConfigError("client_cert and client_key of the storage URL belong together: give both")
    return found


def _named_databases(parts: SplitResult) -> set[str]:
    """Return the databases that a server's URL names, as its path or as the parameter ``database``."""
    values = [value for name, value in parse_qsl(parts.query, keep_blank_values=True) if name == "database"]
    return ({unquote(parts.path.strip("/"))} - {""}) | set(values)
