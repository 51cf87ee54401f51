"""The table of all settings: names, defaults, kinds and help texts. It imports little: every command needs it."""

from __future__ import annotations

from server.settings.access_table import ACCESS, ACCESS_SETTINGS, LOGIN, LOGIN_SETTINGS, TLS, TLS_SETTINGS
from server.settings.evidence_table import EVIDENCE, EVIDENCE_SETTINGS, REDACTION, REDACTION_SETTINGS
from server.settings.setting import PORTS, PREFIX, Kind, Setting
from server.settings.trace_links import TRACE_ID_PLACE

__all__ = ["DEFAULT_FILE", "GROUPS", "PORTS", "PREFIX", "SETTINGS", "Kind", "Setting"]

DEFAULT_FILE = "lognotary.toml"

_STORAGE, _ADDRESSES, _IDENTITY = "storage and identity", "addresses", "keys"
_BATCHES, _LIMITS, _PROCESS = "batches and acknowledgement", "limits", "processes and the server's log"

SETTINGS = (
    Setting(
        "storage",
        "",
        "chdb:///path or http(s)://user:password@host:8123/database; default: chdb in data_dir",
        Kind.URL,
        _STORAGE,
    ),
    Setting("storage_password", "", "password of the user of the ClickHouse server", Kind.SECRET, _STORAGE),
    Setting(
        "storage_password_file",
        "",
        "file with the password of the user of the ClickHouse server",
        Kind.FILE,
        _STORAGE,
    ),
    Setting(
        "storage_encryption_key",
        "",
        "file with the key that encrypts embedded storage, from its first start on; default: not encrypted",
        Kind.FILE,
        _STORAGE,
    ),
    Setting(
        "storage_encryption_retired_keys",
        "",
        "files with replaced keys of embedded storage, separated by commas",
        Kind.LIST,
        _STORAGE,
    ),
    Setting(
        "data_dir",
        "data",
        "directory for the signing key, the writer's name and the embedded storage",
        Kind.DIRECTORY,
        _STORAGE,
    ),
    Setting("otlp_grpc", "127.0.0.1:4317", "address to receive OTLP/gRPC on", Kind.ADDRESS, _ADDRESSES),
    Setting("otlp_http", "127.0.0.1:4318", "address to receive OTLP/HTTP on", Kind.ADDRESS, _ADDRESSES),
    Setting("api_grpc", "127.0.0.1:7317", "address of the gRPC API", Kind.ADDRESS, _ADDRESSES),
    Setting("http", "127.0.0.1:7318", "address of the HTTP API, health checks and metrics", Kind.ADDRESS, _ADDRESSES),
    Setting(
        "trace_links",
        "",
        f"links from a trace to other tools, separated by commas: each NAME=URL, with {TRACE_ID_PLACE} in the URL",
        Kind.LIST,
        _ADDRESSES,
    ),
    *TLS_SETTINGS,
    Setting(
        "deployment",
        "lognotary",
        "name of the deployment, the first part of the logs' origins",
        Kind.TEXT,
        _STORAGE,
    ),
    Setting(
        "writer",
        "",
        "name of this writer, the last part of the logs' origins; default: generated at first start",
        Kind.TEXT,
        _STORAGE,
    ),
    Setting(
        "workers",
        "1",
        "processes that receive records; more than 1 requires a ClickHouse server",
        Kind.COUNT,
        _PROCESS,
    ),
    Setting(
        "codec",
        "auto",
        "native (compiled), reference (plain Python), or auto: native if it is installed",
        Kind.CHOICE,
        _PROCESS,
        ("auto", "native", "reference"),
    ),
    Setting("batch_rows", "50000", "maximum number of records in a batch", Kind.COUNT, _BATCHES),
    Setting("batch_bytes", "32MiB", "maximum size of a batch", Kind.SIZE, _BATCHES),
    Setting(
        "batch_age",
        "250ms",
        "time within which records should be committed; sets when a batch is closed",
        Kind.DURATION,
        _BATCHES,
    ),
    Setting("max_request_bytes", "64MiB", "largest accepted request, after decompression", Kind.SIZE, _LIMITS),
    Setting(
        "memory_limit",
        "",
        "memory the server may use; requests that need more are refused; default: 2GiB with embedded storage, "
        "otherwise 1GiB per process",
        Kind.SIZE,
        _LIMITS,
    ),
    Setting(
        "max_requests",
        "1024",
        "maximum number of requests in flight; further requests are refused",
        Kind.COUNT,
        _LIMITS,
    ),
    Setting("max_connections", "4096", "maximum number of connections on each port", Kind.COUNT, _LIMITS),
    Setting(
        "query_concurrency",
        "",
        "number of queries that run at the same time; default: the machine's number of processors, at least 2",
        Kind.COUNT,
        _LIMITS,
    ),
    Setting("max_connection_age", "5m", "time after which senders are asked to reconnect", Kind.DURATION, _LIMITS),
    Setting(
        "tenant_bytes",
        "",
        "bytes of requests that a tenant may send in a second; default: no limit",
        Kind.SIZE,
        _LIMITS,
    ),
    Setting(
        "tenant_records",
        "",
        "records and spans that a tenant may send in a second; default: no limit",
        Kind.COUNT,
        _LIMITS,
    ),
    Setting(
        "tenant_keys",
        "",
        "different keys of attributes that a tenant may send in an hour; default: no limit",
        Kind.COUNT,
        _LIMITS,
    ),
    Setting(
        "tenant_limits",
        "",
        "tenants with limits of their own, separated by commas: each TENANT:bytes=SIZE:records=N:keys=N, where what is "
        "left out has no limit",
        Kind.LIST,
        _LIMITS,
    ),
    Setting(
        "max_tenants",
        "10000",
        "number of tenants that trusted proxies may name; tenants of tokens and certificates have no limit",
        Kind.COUNT,
        _LIMITS,
    ),
    Setting(
        "ack",
        "commit",
        "when senders get OK: once records are in storage (commit) or in the journal (journal)",
        Kind.CHOICE,
        _BATCHES,
        ("commit", "journal"),
    ),
    Setting("ack_timeout", "10s", "time after which an unacknowledged request is refused", Kind.DURATION, _BATCHES),
    Setting("journal_bytes", "1GiB", "maximum size of the journal of each stream", Kind.SIZE, _LIMITS),
    Setting(
        "journal_key",
        "off",
        "key that encrypts journals: a file made by 'lognotary journal key', a PKCS #11 URI of an AES key, or off",
        Kind.URL,
        _IDENTITY,
    ),
    Setting(
        "journal_retired_keys",
        "",
        "replaced keys of journals, separated by commas: files and PKCS #11 URIs",
        Kind.LIST,
        _IDENTITY,
    ),
    Setting("public_keys", "", "files with public keys of other writers, separated by commas", Kind.FILES, _IDENTITY),
    Setting(
        "signing_key",
        "",
        "PKCS #11 URI (RFC 7512) of the signing key; default: a file in data_dir",
        Kind.URL,
        _IDENTITY,
    ),
    Setting(
        "retired_keys",
        "",
        "PKCS #11 URIs of replaced signing keys, separated by commas",
        Kind.LIST,
        _IDENTITY,
    ),
    Setting(
        "producer_signatures",
        "annotate",
        "what is done about signatures of producers: off, annotate (check and store the result), or require (also "
        "refuse audit records without a valid one)",
        Kind.CHOICE,
        _IDENTITY,
        ("off", "annotate", "require"),
    ),
    Setting(
        "producer_keys",
        "",
        "files and directories with producers' public keys, certificates and HMAC secrets, separated by commas",
        Kind.FILES,
        _IDENTITY,
    ),
    Setting("ml_dsa", "false", "true: also sign every checkpoint with an ML-DSA-44 key", Kind.TRUTH, _IDENTITY),
    *EVIDENCE_SETTINGS,
    *REDACTION_SETTINGS,
    *LOGIN_SETTINGS,
    *ACCESS_SETTINGS,
    Setting(
        "log_level",
        "info",
        "level of the server's log: debug, info, warning or error",
        Kind.CHOICE,
        _PROCESS,
        ("debug", "info", "warning", "error"),
    ),
    Setting(
        "log_format",
        "text",
        "format of the server's log: text, or json with one object per line",
        Kind.CHOICE,
        _PROCESS,
        ("text", "json"),
    ),
)

GROUPS = (
    _STORAGE,
    _ADDRESSES,
    TLS,
    ACCESS,
    LOGIN,
    _IDENTITY,
    _BATCHES,
    _LIMITS,
    EVIDENCE,
    REDACTION,
    _PROCESS,
)
"""The headings of settings in help texts, in order."""
