"""The table of settings of evidence, retention and redaction."""

from __future__ import annotations

from server.settings.setting import Kind, Setting

__all__ = ["EVIDENCE", "EVIDENCE_SETTINGS", "REDACTION", "REDACTION_SETTINGS"]

EVIDENCE = "evidence and retention"
REDACTION = "redaction"

EVIDENCE_SETTINGS = (
    Setting(
        "heartbeat",
        "10m",
        "time between heartbeats: signed statements of each log's state and the time",
        Kind.DURATION,
        EVIDENCE,
    ),
    Setting(
        "retention_operational",
        "30d",
        "how long operational records are kept: days or weeks, such as 30d, or forever",
        Kind.DAYS,
        EVIDENCE,
    ),
    Setting(
        "retention_spans",
        "30d",
        "how long spans are kept: days or weeks, such as 30d, or forever",
        Kind.DAYS,
        EVIDENCE,
    ),
    Setting(
        "retention_audit",
        "400d",
        "how long audit records are kept: days or weeks, such as 400d, or forever",
        Kind.DAYS,
        EVIDENCE,
    ),
    Setting(
        "audit_cold_volume",
        "",
        "volume of ClickHouse's storage policy to which old parts of audit records are moved; default: none",
        Kind.TEXT,
        EVIDENCE,
    ),
    Setting(
        "audit_cold_after",
        "90d",
        "age at which audit records are moved to audit_cold_volume: days or weeks, such as 90d",
        Kind.DAYS,
        EVIDENCE,
    ),
    Setting(
        "administration",
        "local",
        "who may change legal holds and tokens and erase disclosed values over the API: callers whose role permits it "
        "or, if the server needs no credentials, callers on this machine (local), or nobody (off)",
        Kind.CHOICE,
        EVIDENCE,
        ("off", "local"),
    ),
    Setting(
        "public_tiles",
        "false",
        "true: the static files of logs (/tlog), which have no contents of records, need no credentials",
        Kind.TRUTH,
        EVIDENCE,
    ),
    Setting(
        "signed_streams",
        "audit,operational,spans",
        "streams that are signed, separated by commas, always with audit; others are stored without evidence",
        Kind.LIST,
        EVIDENCE,
    ),
    Setting(
        "audit_strict",
        "false",
        "true: requests for logs with native audit records are held to the rules of /v1/audit",
        Kind.TRUTH,
        EVIDENCE,
    ),
    Setting(
        "witnesses",
        "",
        "witnesses of checkpoints, separated by commas: each a verifier key, a space, and a URL",
        Kind.LIST,
        EVIDENCE,
    ),
    Setting(
        "witness_interval",
        "1m",
        "time between checks for new checkpoints to send to witnesses",
        Kind.DURATION,
        EVIDENCE,
    ),
    Setting("timestamp_authority", "", "URL of an RFC 3161 timestamp authority", Kind.URL, EVIDENCE),
    Setting("timestamp_roots", "", "PEM file of root certificates to verify timestamps with", Kind.FILE, EVIDENCE),
    Setting("timestamp_interval", "1h", "time between timestamps of a growing log", Kind.DURATION, EVIDENCE),
    Setting(
        "self_verify",
        "off",
        "interval at which the whole storage is verified, such as 12h or 7d, or off",
        Kind.INTERVAL,
        EVIDENCE,
    ),
)

REDACTION_SETTINGS = (
    Setting(
        "redaction",
        "remove",
        "what becomes of secrets in records: remove, hash (equal secrets have equal marks), disclose (stored apart, "
        "where they can be erased), or off (they are stored)",
        Kind.CHOICE,
        REDACTION,
        ("off", "remove", "hash", "disclose"),
    ),
    Setting(
        "redaction_modes",
        "",
        "rules of redaction with modes of their own, separated by commas: RULE=MODE, such as card=hash",
        Kind.LIST,
        REDACTION,
    ),
    Setting("redaction_keys", "", "more names of secrets in keys, separated by commas", Kind.LIST, REDACTION),
    Setting("redaction_keep", "", "keys whose values are never redacted, separated by commas", Kind.LIST, REDACTION),
    Setting(
        "redaction_patterns",
        "all",
        "forms of secrets that are redacted in texts, separated by commas; all, or none",
        Kind.LIST,
        REDACTION,
    ),
    Setting(
        "retention_disclosures",
        "forever",
        "how long the values are kept to which records have commitments",
        Kind.DAYS,
        REDACTION,
    ),
    Setting(
        "redaction_key_file",
        "",
        "key of the marks of mode hash; default: generated in data_dir at first start",
        Kind.FILE,
        REDACTION,
    ),
)
