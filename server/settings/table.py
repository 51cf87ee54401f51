"""The table of all settings: names, defaults, kinds and help texts. It imports little: every command needs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from server.settings.trace_links import TRACE_ID_PLACE

__all__ = ["DEFAULT_FILE", "GROUPS", "PORTS", "PREFIX", "SETTINGS", "Kind", "Setting"]

PREFIX = "LOGNOTARY_"
DEFAULT_FILE = "lognotary.toml"
PORTS = ("otlp_grpc", "otlp_http", "api_grpc", "http")
"""The settings of the addresses on which a server listens."""


class Kind(Enum):
    """Kind of a setting's value, as help texts name it."""

    ADDRESS = "ADDRESS"
    CHOICE = "WORD"
    COUNT = "N"
    DAYS = "DAYS"
    DIRECTORY = "DIR"
    DURATION = "DURATION"
    FILE = "FILE"
    FILES = "FILES"
    INTERVAL = "INTERVAL"
    LIST = "LIST"
    SECRET = "SECRET"  # noqa: S105 - a word; it has no flag, because everyone on the machine can see flags
    SIZE = "SIZE"
    TEXT = "NAME"
    TRUTH = "BOOL"
    URL = "URL"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``name`` in the file, ``--name`` as a flag, ``LOGNOTARY_NAME`` as a variable; secrets have no flag.

    Attributes:
        name: name in the file.
        default: default value, as it would be typed; empty if there is none.
        help: help text.
        kind: kind of its value.
        group: heading under which help texts list it.
        choices: valid values of a ``CHOICE``.
    """

    name: str
    default: str
    help: str
    kind: Kind
    group: str
    choices: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + self.name.upper()


_STORAGE, _ADDRESSES, _IDENTITY = "storage and identity", "addresses", "keys"
_BATCHES, _LIMITS, _EVIDENCE = "batches and acknowledgement", "limits", "evidence and retention"
_REDACTION, _PROCESS = "redaction", "processes and the server's log"
_ACCESS = "access"
_LOGIN = "login of people and programs"
_TLS = "TLS"
_CLIENTS = ("optional", "required")

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
    Setting("tls_cert", "", "PEM file of the certificate of all ports, and of its chain", Kind.FILE, _TLS),
    Setting("tls_key", "", "PEM file of the certificate's private key", Kind.FILE, _TLS),
    Setting("tls_client_ca", "", "PEM file of the CAs whose client certificates are accepted", Kind.FILE, _TLS),
    Setting(
        "tls_client_certificates",
        "required",
        "with tls_client_ca: whether clients need a certificate; gRPC ports know only required",
        Kind.CHOICE,
        _TLS,
        _CLIENTS,
    ),
    *(
        setting
        for port in PORTS
        for setting in (
            Setting(f"{port}_tls_cert", "", f"tls_cert of {port} alone; off: no TLS there", Kind.FILE, _TLS),
            Setting(f"{port}_tls_key", "", f"tls_key of {port} alone", Kind.FILE, _TLS),
            Setting(f"{port}_tls_client_ca", "", f"tls_client_ca of {port} alone; off: none there", Kind.FILE, _TLS),
            Setting(
                f"{port}_tls_client_certificates",
                "",
                f"tls_client_certificates of {port} alone",
                Kind.CHOICE,
                _TLS,
                _CLIENTS,
            ),
        )
    ),
    Setting(
        "insecure_listen",
        "false",
        "true: listen beyond this machine also without TLS or authentication, because something else protects the "
        "ports",
        Kind.TRUTH,
        _TLS,
    ),
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
    Setting(
        "heartbeat",
        "10m",
        "time between heartbeats: signed statements of each log's state and the time",
        Kind.DURATION,
        _EVIDENCE,
    ),
    Setting(
        "retention_operational",
        "30d",
        "how long operational records are kept: days or weeks, such as 30d, or forever",
        Kind.DAYS,
        _EVIDENCE,
    ),
    Setting(
        "retention_spans",
        "30d",
        "how long spans are kept: days or weeks, such as 30d, or forever",
        Kind.DAYS,
        _EVIDENCE,
    ),
    Setting(
        "retention_audit",
        "400d",
        "how long audit records are kept: days or weeks, such as 400d, or forever",
        Kind.DAYS,
        _EVIDENCE,
    ),
    Setting(
        "audit_cold_volume",
        "",
        "volume of ClickHouse's storage policy to which old parts of audit records are moved; default: none",
        Kind.TEXT,
        _EVIDENCE,
    ),
    Setting(
        "audit_cold_after",
        "90d",
        "age at which audit records are moved to audit_cold_volume: days or weeks, such as 90d",
        Kind.DAYS,
        _EVIDENCE,
    ),
    Setting(
        "administration",
        "local",
        "who may change legal holds, and read and erase disclosed values: callers on this machine (local), or nobody "
        "(off)",
        Kind.CHOICE,
        _EVIDENCE,
        ("off", "local"),
    ),
    Setting(
        "public_tiles",
        "false",
        "true: the static files of logs (/tlog), which have no contents of records, need no credentials",
        Kind.TRUTH,
        _EVIDENCE,
    ),
    Setting(
        "signed_streams",
        "audit,operational,spans",
        "streams that are signed, separated by commas, always with audit; others are stored without evidence",
        Kind.LIST,
        _EVIDENCE,
    ),
    Setting(
        "audit_strict",
        "false",
        "true: requests for logs with native audit records are held to the rules of /v1/audit",
        Kind.TRUTH,
        _EVIDENCE,
    ),
    Setting(
        "witnesses",
        "",
        "witnesses of checkpoints, separated by commas: each a verifier key, a space, and a URL",
        Kind.LIST,
        _EVIDENCE,
    ),
    Setting(
        "witness_interval",
        "1m",
        "time between checks for new checkpoints to send to witnesses",
        Kind.DURATION,
        _EVIDENCE,
    ),
    Setting("timestamp_authority", "", "URL of an RFC 3161 timestamp authority", Kind.URL, _EVIDENCE),
    Setting("timestamp_roots", "", "PEM file of root certificates to verify timestamps with", Kind.FILE, _EVIDENCE),
    Setting("timestamp_interval", "1h", "time between timestamps of a growing log", Kind.DURATION, _EVIDENCE),
    Setting(
        "self_verify",
        "off",
        "interval at which the whole storage is verified, such as 12h or 7d, or off",
        Kind.INTERVAL,
        _EVIDENCE,
    ),
    Setting(
        "redaction",
        "remove",
        "what becomes of secrets in records: remove, hash (equal secrets have equal marks), disclose (stored apart, "
        "where they can be erased), or off (they are stored)",
        Kind.CHOICE,
        _REDACTION,
        ("off", "remove", "hash", "disclose"),
    ),
    Setting(
        "redaction_modes",
        "",
        "rules of redaction with modes of their own, separated by commas: RULE=MODE, such as card=hash",
        Kind.LIST,
        _REDACTION,
    ),
    Setting("redaction_keys", "", "more names of secrets in keys, separated by commas", Kind.LIST, _REDACTION),
    Setting("redaction_keep", "", "keys whose values are never redacted, separated by commas", Kind.LIST, _REDACTION),
    Setting(
        "redaction_patterns",
        "all",
        "forms of secrets that are redacted in texts, separated by commas; all, or none",
        Kind.LIST,
        _REDACTION,
    ),
    Setting(
        "retention_disclosures",
        "forever",
        "how long the values are kept to which records have commitments",
        Kind.DAYS,
        _REDACTION,
    ),
    Setting(
        "redaction_key_file",
        "",
        "key of the marks of mode hash; default: generated in data_dir at first start",
        Kind.FILE,
        _REDACTION,
    ),
    Setting("oidc_issuer", "", "URL of the OpenID provider that people and programs log in with", Kind.URL, _LOGIN),
    Setting("oidc_client_id", "", "ID of this server as a client of the provider", Kind.TEXT, _LOGIN),
    Setting(
        "oidc_client_secret_file",
        "",
        "file with the secret of this client; default: none, the client is public",
        Kind.FILE,
        _LOGIN,
    ),
    Setting(
        "oidc_audiences",
        "",
        "more audiences whose bearer tokens are accepted, separated by commas, beside the IDs of the clients",
        Kind.LIST,
        _LOGIN,
    ),
    Setting(
        "oidc_cli_client_id",
        "",
        "ID of the public client that 'lognotary login' is; default: oidc_client_id",
        Kind.TEXT,
        _LOGIN,
    ),
    Setting(
        "oidc_scopes",
        "openid,email,profile",
        "scopes that logins ask for, separated by commas",
        Kind.LIST,
        _LOGIN,
    ),
    Setting("oidc_groups_claim", "groups", "name of the claim with the groups of a person", Kind.TEXT, _LOGIN),
    Setting(
        "oidc_groups_url",
        "",
        "URL that lists the groups of a person if there are too many for a token (Microsoft Graph, or userinfo)",
        Kind.URL,
        _LOGIN,
    ),
    Setting(
        "oidc_ca_file",
        "",
        "PEM file of authorities for the provider's certificate; default: those of the system",
        Kind.FILE,
        _LOGIN,
    ),
    Setting(
        "public_url",
        "",
        "URL at which browsers reach the HTTP API; default: its address, if that is on this machine",
        Kind.URL,
        _LOGIN,
    ),
    Setting("session_idle", "30m", "time without use after which a session on pages ends", Kind.DURATION, _LOGIN),
    Setting("session_age", "12h", "time after the login at which a session on pages ends", Kind.DURATION, _LOGIN),
    Setting(
        "trusted_proxies",
        "",
        "networks of proxies that authenticate people, separated by commas; their headers are believed",
        Kind.LIST,
        _LOGIN,
    ),
    Setting("proxy_user_header", "X-Forwarded-User", "header of trusted proxies: the user", Kind.TEXT, _LOGIN),
    Setting(
        "proxy_groups_header",
        "X-Forwarded-Groups",
        "header of trusted proxies: groups, separated by commas",
        Kind.TEXT,
        _LOGIN,
    ),
    Setting(
        "proxy_email_header", "X-Forwarded-Email", "header of trusted proxies: the e-mail address", Kind.TEXT, _LOGIN
    ),
    Setting("proxy_tenant_header", "X-Scope-OrgID", "header of trusted proxies: the tenant", Kind.TEXT, _LOGIN),
    Setting(
        "break_glass_file",
        "",
        "file with the secret of an administrator for emergencies, who presents it as bearer token",
        Kind.FILE,
        _LOGIN,
    ),
    Setting(
        "authentication",
        "auto",
        "ports on which credentials are required: auto (those that other machines can reach), required (all), or off "
        "(none); credentials that are presented are always checked",
        Kind.CHOICE,
        _ACCESS,
        ("auto", "required", "off"),
    ),
    Setting(
        "tokens_file",
        "",
        "file of tokens, such as one that several servers share; default: access/tokens.json in data_dir",
        Kind.FILE,
        _ACCESS,
    ),
    Setting(
        "sender_certificates",
        "",
        "senders that client certificates stand for, separated by commas: IDENTITY=NAME or IDENTITY=NAME@TENANT, such "
        "as URI:spiffe://shop/checkout=checkout",
        Kind.LIST,
        _ACCESS,
    ),
    Setting(
        "access_log",
        "on",
        "records of who looked, in a log of their own: on, required (each answer waits for its record, and is refused "
        "without one), or off",
        Kind.CHOICE,
        _ACCESS,
        ("on", "required", "off"),
    ),
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
    _TLS,
    _ACCESS,
    _LOGIN,
    _IDENTITY,
    _BATCHES,
    _LIMITS,
    _EVIDENCE,
    _REDACTION,
    _PROCESS,
)
"""The headings of settings in help texts, in order."""
