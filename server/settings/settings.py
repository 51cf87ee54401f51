"""Settings: flags override ``LOGNOTARY_*`` variables, which override ``lognotary.toml``, which overrides defaults.

They are parsed once, at start, into one frozen object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.access.requirement import Authentication
from server.access.sender_certificates import SenderCertificate
from server.admission.tenant_limits import TenantLimits
from server.codec.audit.built_in import built_in_rules
from server.codec.audit.errors import RuleError
from server.codec.audit.parse import parse_rule
from server.codec.audit.rules import Rule
from server.codec.choose import why_not_native
from server.codec.producers.policy import Policy, ProducerKeys
from server.codec.redaction_rules import Redaction
from server.errors.files import unreadable
from server.notary.errors import KeyMaterialError, MalformedError
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.settings.access import read_authentication, read_sender_certificates
from server.settings.certificates import TlsFiles
from server.settings.errors import ConfigError
from server.settings.exposure import exposure_problems, ports_without_authentication
from server.settings.flags import add_flags
from server.settings.login import LoginSettings, read_login
from server.settings.producers import read_policy, read_producer_keys
from server.settings.readers import read_codec, read_file, read_keys, read_signed_streams, read_witnesses
from server.settings.redaction import read_redaction
from server.settings.retention_rules import cold_volume_problems, read_retention_rules
from server.settings.shown import ShownSetting, computed_defaults, shown_settings
from server.settings.sources import Sources, gather, gather_rules
from server.settings.storage import read_storage
from server.settings.table import PORTS, SETTINGS, Setting
from server.settings.tenant_rules import TenantRule, read_tenant_rules
from server.settings.tenants import read_tenant_limits
from server.settings.tls import read_tls
from server.settings.toml_lines import in_order
from server.settings.trace_links import read_trace_links
from server.settings.values import (
    Acknowledge,
    Address,
    parse_address,
    read_acknowledge,
    read_choice,
    read_count,
    read_days,
    read_duration,
    read_format,
    read_interval,
    read_journal_key,
    read_level,
    read_list,
    read_size,
    read_truth,
)
from server.witness.settings import TimestampAuthority, Witness
from storage.errors import StorageConfigError
from storage.retention_policy import RetentionRule
from storage.url import EmbeddedUrl, StorageUrl

__all__ = [
    "SETTINGS",
    "ConfigError",
    "Setting",
    "Settings",
    "add_flags",
    "check_rules",
    "check_settings",
    "load_settings",
    "reread_rules",
]

# Enough for a request of the default max_request_bytes (process.memory_limit has the plan).
_MEMORY = 1 << 30  # bytes for each process
_MEMORY_EMBEDDED = 2 << 30  # bytes, the engine's included


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed: sizes in bytes, times in seconds, retention in days (None: forever); see ``SETTINGS``.

    ``file`` is the absolute path of the settings file, empty if there is none; ``shown`` is all of this as people may
    see it.
    """

    storage: StorageUrl
    data_dir: Path
    otlp_grpc: Address
    otlp_http: Address
    api_grpc: Address
    http: Address
    tls: Mapping[str, TlsFiles]
    insecure_listen: bool
    trace_links: tuple[tuple[str, str], ...]
    deployment: str
    writer: str
    workers: int
    codec: str
    batch_rows: int
    batch_bytes: int
    batch_age: float
    max_request_bytes: int
    memory_limit: int
    max_requests: int
    max_connections: int
    query_concurrency: int
    max_connection_age: float
    tenant_default: TenantLimits
    tenant_limits: Mapping[str, TenantLimits]
    tenants: tuple[TenantRule, ...]
    max_tenants: int
    ack: Acknowledge
    ack_timeout: float
    journal_bytes: int
    journal_key: str
    journal_retired_keys: tuple[str, ...]
    public_keys: TrustedKeys
    signing_key: str
    retired_keys: tuple[str, ...]
    producer_signatures: Policy
    producer_keys: ProducerKeys
    ml_dsa: bool
    heartbeat: float
    retention_operational: int | None
    retention_spans: int | None
    retention_audit: int | None
    administration: str
    public_tiles: bool
    audit_cold_volume: str
    audit_cold_after: int
    signed_streams: frozenset[Stream]
    audit_strict: bool
    witnesses: tuple[Witness, ...]
    witness_interval: float
    timestamp_authority: TimestampAuthority | None
    self_verify: float | None
    redaction: Redaction
    redaction_key_file: Path | None
    retention_disclosures: int | None
    authentication: Authentication
    tokens_file: Path | None
    sender_certificates: tuple[SenderCertificate, ...]
    access_log: str
    log_level: str
    log_format: str
    audit_rules: tuple[Rule, ...]
    retention_rules: Mapping[Stream, tuple[RetentionRule, ...]]
    login: LoginSettings
    file: str
    shown: tuple[ShownSetting, ...]

    @property
    def unsigned_streams(self) -> tuple[Stream, ...]:
        """Streams that are not signed, in the order of ``Stream``."""
        return tuple(stream for stream in Stream if stream not in self.signed_streams)


def load_settings(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Load the settings from all their sources.

    Args:
        flags: name -> value, None for a flag that was not given; ``config`` is the path of the settings file.
        environ: environment variables.

    Raises:
        ConfigError: settings cannot be used; it has all problems.
    """
    settings, problems = check_settings(gather(flags, environ))
    if settings is None:
        raise ConfigError(*problems)
    return settings


def reread_rules(file: str) -> tuple[Rule, ...]:
    """Return the audit rules that a settings file has now, and the built-in ones.

    Raises:
        ConfigError: the file cannot be read, or a rule cannot be used; it has all problems.
    """
    rules, problems = check_rules(gather_rules(file))
    if problems:
        raise ConfigError(*problems)
    return rules


def check_settings(sources: Sources) -> tuple[Settings | None, list[str]]:
    """Return the settings, None if they cannot be used, and all that is wrong with them, one sentence each."""
    problems = list(sources.problems)
    parsed = _parse(sources, problems)
    rules = _rules(sources, problems)
    retention = read_retention_rules(sources.retention, problems)
    if problems:
        return None, in_order(problems, sources.file, sources.lines)
    file = str(Path(sources.file).absolute()) if sources.file else ""
    shown = shown_settings(sources.values, computed_defaults(parsed["storage"], parsed["memory_limit"]))
    return Settings(**parsed, audit_rules=rules, retention_rules=retention, file=file, shown=shown), []


def check_rules(sources: Sources) -> tuple[tuple[Rule, ...], list[str]]:
    """Return the audit rules, and all that is wrong with them, with the settings file or with names of settings.

    Values of settings are not read: they may name keys and files of another machine.
    """
    problems = list(sources.problems)
    rules = _rules(sources, problems)
    return rules, in_order(problems, sources.file, sources.lines)


def _parse(sources: Sources, problems: list[str]) -> dict[str, Any]:
    values = sources.values
    data_dir = Path(values["data_dir"].text)
    parsed: dict[str, Any] = {"data_dir": data_dir}
    parsers: dict[str, Callable[[str], Any]] = {
        "storage": lambda _: read_storage(values),
        "otlp_grpc": parse_address,
        "otlp_http": parse_address,
        "api_grpc": parse_address,
        "http": parse_address,
        "insecure_listen": read_truth,
        "trace_links": read_trace_links,
        "deployment": lambda text: LogName(text, Stream.AUDIT, "writer").deployment,
        "writer": lambda text: LogName("deployment", Stream.AUDIT, text).writer if text else "",
        "workers": read_count,
        "codec": read_codec,
        "batch_rows": read_count,
        "batch_bytes": read_size,
        "batch_age": read_duration,
        "max_request_bytes": read_size,
        "memory_limit": lambda text: read_size(text) if text else 0,  # known with the engine and the workers
        "max_requests": read_count,
        "max_connections": read_count,
        "query_concurrency": lambda text: read_count(text) if text else max(2, _processors()),
        "max_connection_age": read_duration,
        "max_tenants": read_count,
        "ack": read_acknowledge,
        "ack_timeout": read_duration,
        "journal_bytes": read_size,
        "journal_key": read_journal_key,
        "journal_retired_keys": read_list,
        "public_keys": read_keys,
        "signing_key": str.strip,
        "retired_keys": read_list,
        "producer_signatures": read_policy,
        "producer_keys": read_producer_keys,
        "ml_dsa": read_truth,
        "heartbeat": read_duration,
        "retention_operational": read_days,
        "retention_spans": read_days,
        "retention_audit": read_days,
        "administration": lambda text: read_choice(text, ("off", "local")),
        "public_tiles": read_truth,
        "audit_cold_volume": str.strip,
        "audit_cold_after": lambda text: read_days(text) or 0,
        "signed_streams": read_signed_streams,
        "audit_strict": read_truth,
        "witnesses": read_witnesses,
        "witness_interval": read_duration,
        "timestamp_roots": read_file,
        "timestamp_interval": read_duration,
        "self_verify": read_interval,
        "redaction_key_file": read_file,
        "retention_disclosures": read_days,
        "authentication": read_authentication,
        "tokens_file": lambda text: Path(text) if text else None,  # the first token creates it
        "sender_certificates": read_sender_certificates,
        "access_log": lambda text: read_choice(text, ("on", "required", "off")),
        "log_level": read_level,
        "log_format": read_format,
    }

    def parse(name: str, parser: Callable[[str], Any]) -> None:
        given = values[name]
        try:
            parsed[name] = parser(given.text)
        except (ValueError, OSError, StorageConfigError, KeyMaterialError, MalformedError) as error:
            said = unreadable(error.filename, error) if isinstance(error, OSError) and error.filename else error
            problems.append(f"{given.place}: {said}")

    for name, parser in parsers.items():
        parse(name, parser)
    roots, interval = parsed.pop("timestamp_roots", None), parsed.pop("timestamp_interval", 1.0)
    parse("timestamp_authority", lambda url: TimestampAuthority(url, roots, interval) if url else None)
    if limits := read_tenant_limits(values, problems):
        parsed["tenant_default"], parsed["tenant_limits"] = limits
    if {"witnesses", "timestamp_authority"} <= parsed.keys():
        witnesses, authority = parsed["witnesses"], parsed["timestamp_authority"]
        parsed["tenants"] = read_tenant_rules(sources.tenants, witnesses, authority, problems)
    parsed["login"] = read_login(sources, parsed.get("http"), problems)
    if redaction := read_redaction(values, problems):
        parsed["redaction"] = redaction
        if parsed.get("codec") == "native" and (missing := why_not_native(redaction)):
            problems.append(f"{values['codec'].place}: the compiled codec cannot be used: {missing}; give auto")
    if {"storage", "workers"} <= parsed.keys():
        if not values["memory_limit"].text:
            parsed["memory_limit"] = _memory_limit(parsed["storage"], parsed["workers"])
        if parsed["workers"] > 1 and isinstance(parsed["storage"], EmbeddedUrl):
            problems.append(
                f"{values['workers'].place}: {parsed['workers']} workers need a ClickHouse server, because embedded "
                "storage can be opened by one process only: give --storage http://user:password@host:8123/database, "
                "or run 1 worker"
            )
    keys = parsed.get("producer_keys")
    if parsed.get("producer_signatures") is Policy.REQUIRE and keys is not None and not keys:
        problems.append(
            f"{values['producer_signatures'].place}: require refuses every audit record without producer_keys: give "
            "the keys of the producers, or annotate"
        )
    problems += _shared_addresses(parsed, sources)
    tls_problems: list[str] = []
    parsed["tls"] = read_tls(values, tls_problems)
    problems += tls_problems
    if not tls_problems and not parsed.get("insecure_listen", True):  # otherwise it is not known which ports have TLS
        problems += _exposed(parsed, sources)
    problems += cold_volume_problems(parsed, sources)
    return parsed


def _shared_addresses(parsed: Mapping[str, Any], sources: Sources) -> Iterator[str]:
    """Return a sentence for each address that another setting has too; port 0 is any port."""
    taken: dict[Address, str] = {}
    for name in PORTS:
        address = parsed.get(name)
        if address is not None and address.port:
            first = taken.setdefault(address, name)
            if first != name:
                yield f"{sources.values[name].place}: {address} is the address of {first} already: give another port"


def _exposed(parsed: Mapping[str, Any], sources: Sources) -> Iterator[str]:
    """Return a sentence for each address that other machines can reach without TLS or without authentication."""
    login = parsed["login"]
    if login is None or "authentication" not in parsed:
        return  # it is not known who is asked for credentials
    unprotected = ports_without_authentication(parsed["authentication"], login_is_used=login.is_used)
    for name in PORTS:
        if name in parsed:
            for problem in exposure_problems({name: parsed[name]}, parsed["tls"], unprotected):
                yield f"{sources.values[name].place}: {problem}"


def _memory_limit(storage: StorageUrl, workers: int) -> int:
    """Return the default memory limit of a server, in bytes."""
    if isinstance(storage, EmbeddedUrl):
        return _MEMORY_EMBEDDED
    return _MEMORY * (workers + 1 if workers > 1 else 1)  # workers have a server process beside them


def _processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _rules(sources: Sources, problems: list[str]) -> tuple[Rule, ...]:
    own = []
    for number, (place, rule) in enumerate(sources.rules, 1):
        try:
            own.append(parse_rule(number, rule))
        except RuleError as error:
            problems.append(f"{place}: {error}")
    return tuple(own) + (built_in_rules() if sources.built_in_rules else ())
