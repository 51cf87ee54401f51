"""Settings: flags override ``LOGNOTARY_*`` variables, which override ``lognotary.toml``, which overrides defaults.

They are parsed once, at start, into one frozen object.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.codec.rules import BUILT_IN_RULES, Rule, RuleError, parse_rules
from server.errors.base import LognotaryError
from server.notary.errors import KeyMaterialError, MalformedError
from server.notary.origin import LogName, Stream
from server.notary.trust import TrustedKeys
from server.settings.values import (
    Acknowledge,
    Address,
    parse_address,
    read_acknowledge,
    read_amount,
    read_codec,
    read_count,
    read_days,
    read_file,
    read_format,
    read_interval,
    read_keys,
    read_level,
    read_list,
    read_truth,
    read_witnesses,
)
from server.witness.settings import TimestampAuthority, Witness
from storage.errors import StorageConfigError
from storage.url import EmbeddedUrl, StorageUrl, parse_storage_url

__all__ = ["SETTINGS", "ConfigError", "Setting", "Settings", "add_flags", "load_settings"]

_DEFAULT_FILE = Path("lognotary.toml")
_PREFIX = "LOGNOTARY_"
# Enough for a request of the default max_request_bytes (process.memory_limit has the plan).
_MEMORY = 1 << 30  # bytes for each process
_MEMORY_EMBEDDED = 2 << 30  # bytes, the engine's included


class ConfigError(LognotaryError):
    """Error of a setting; the message names the setting, its source, and what it must be."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``name`` in the file, ``--name`` as a flag, ``LOGNOTARY_NAME`` as a variable."""

    name: str
    default: str
    help: str


SETTINGS = (
    Setting("storage", "", "chdb:///path or http(s)://user:password@host:8123/database; default: chdb in data_dir"),
    Setting("data_dir", "data", "directory for the signing key, the writer's name and the embedded storage"),
    Setting("otlp_grpc", "127.0.0.1:4317", "address to receive OTLP/gRPC on"),
    Setting("otlp_http", "127.0.0.1:4318", "address to receive OTLP/HTTP on"),
    Setting("api_grpc", "127.0.0.1:7317", "address of the gRPC API"),
    Setting("http", "127.0.0.1:7318", "address of the HTTP API, health checks and metrics"),
    Setting("deployment", "lognotary", "name of the deployment, the first part of the logs' origins"),
    Setting("writer", "", "name of this writer, the last part of the logs' origins; default: generated at first start"),
    Setting("workers", "1", "processes that receive records; more than 1 requires a ClickHouse server"),
    Setting("codec", "auto", "native (compiled), reference (plain Python), or auto: native if it is installed"),
    Setting("batch_rows", "50000", "maximum number of records in a batch"),
    Setting("batch_bytes", "33554432", "maximum number of bytes in a batch"),
    Setting("batch_age", "0.25", "seconds within which records should be committed; sets when a batch is closed"),
    Setting("max_request_bytes", "67108864", "largest accepted request, in bytes after decompression"),
    Setting(
        "memory_limit",
        "",
        "bytes of memory the server may use; requests that need more are refused; default: 2 GiB with embedded "
        "storage, otherwise 1 GiB per process",
    ),
    Setting("max_requests", "1024", "maximum number of requests in flight; further requests are refused"),
    Setting("max_connections", "4096", "maximum number of connections on each port"),
    Setting("max_connection_age", "300", "seconds after which senders are asked to reconnect"),
    Setting("ack", "commit", "when senders get OK: once records are in storage (commit) or in the journal (journal)"),
    Setting("ack_timeout", "10", "seconds after which an unacknowledged request is refused"),
    Setting("journal_bytes", "1073741824", "maximum size in bytes of the journal of each stream"),
    Setting("public_keys", "", "files with public keys of other writers, separated by commas"),
    Setting("signing_key", "", "PKCS #11 URI (RFC 7512) of the signing key; default: a file in data_dir"),
    Setting("retired_keys", "", "PKCS #11 URIs of replaced signing keys, separated by commas"),
    Setting("ml_dsa", "false", "true: also sign every checkpoint with an ML-DSA-44 key"),
    Setting("heartbeat", "600", "seconds between heartbeats: signed statements of each log's state and the time"),
    Setting("retention_operational", "30d", "how long operational records are kept: days, such as 30d, or forever"),
    Setting("retention_audit", "400d", "how long audit records are kept: days, such as 400d, or forever"),
    Setting("witnesses", "", "witnesses of checkpoints, separated by commas: each a verifier key, a space, and a URL"),
    Setting("witness_interval", "60", "seconds between checks for new checkpoints to send to witnesses"),
    Setting("timestamp_authority", "", "URL of an RFC 3161 timestamp authority"),
    Setting("timestamp_roots", "", "PEM file of root certificates to verify timestamps with"),
    Setting("timestamp_interval", "3600", "seconds between timestamps of a growing log"),
    Setting("self_verify", "off", "interval at which the whole storage is verified, such as 12h or 7d, or off"),
    Setting("log_level", "info", "level of the server's log: debug, info, warning or error"),
    Setting("log_format", "text", "format of the server's log: text, or json with one object per line"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, parsed: sizes in bytes, times in seconds, retention in days (None: forever); see ``SETTINGS``."""

    storage: StorageUrl
    data_dir: Path
    otlp_grpc: Address
    otlp_http: Address
    api_grpc: Address
    http: Address
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
    max_connection_age: float
    ack: Acknowledge
    ack_timeout: float
    journal_bytes: int
    public_keys: TrustedKeys
    signing_key: str
    retired_keys: tuple[str, ...]
    ml_dsa: bool
    heartbeat: float
    retention_operational: int | None
    retention_audit: int | None
    witnesses: tuple[Witness, ...]
    witness_interval: float
    timestamp_authority: TimestampAuthority | None
    self_verify: float | None
    log_level: str
    log_format: str
    audit_rules: tuple[Rule, ...]


def add_flags(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add the flags of the named settings, or of all settings, to a command's parser."""
    for setting in SETTINGS:
        if not names or setting.name in names:
            shown = f" (default: {setting.default})" if setting.default else ""
            parser.add_argument(
                f"--{setting.name.replace('_', '-')}", dest=setting.name, metavar="X", help=setting.help + shown
            )
    parser.add_argument("--config", metavar="FILE", help="settings file (default: lognotary.toml, if there is one)")


def load_settings(flags: Mapping[str, str | None], environ: Mapping[str, str]) -> Settings:
    """Load the settings from all their sources.

    Args:
        flags: name -> value, None for a flag that was not given; ``config`` is the path of the settings file.
        environ: environment variables.

    Raises:
        ConfigError: a setting cannot be used.
    """
    file = flags.get("config") or environ.get(_PREFIX + "CONFIG")
    from_file = _read_file(Path(file)) if file else _read_file(_DEFAULT_FILE) if _DEFAULT_FILE.exists() else {}
    known = {setting.name for setting in SETTINGS}
    unknown = from_file.keys() - known - {"audit"}
    if unknown:
        raise ConfigError(f"{file or _DEFAULT_FILE}: unknown setting {', '.join(sorted(unknown))}")
    values: dict[str, tuple[str, str]] = {}  # name -> (value, source)
    for setting in SETTINGS:
        variable = _PREFIX + setting.name.upper()
        flag = flags.get(setting.name)
        if flag is not None:
            values[setting.name] = flag, f"--{setting.name.replace('_', '-')}"
        elif variable in environ:
            values[setting.name] = environ[variable], variable
        elif setting.name in from_file:
            values[setting.name] = _from_toml(from_file[setting.name]), f"{setting.name} in {file or _DEFAULT_FILE}"
        else:
            values[setting.name] = setting.default, setting.name
    return _parse(values, from_file.get("audit", {}))


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the settings file {path} cannot be read: {error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is not TOML: {error}") from error


def _from_toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _parse(values: Mapping[str, tuple[str, str]], audit: object) -> Settings:
    data_dir = Path(values["data_dir"][0])
    storage = values["storage"][0] or f"chdb://{(data_dir / 'chdb').absolute()}"
    parsed: dict[str, Any] = {"data_dir": data_dir}
    parsers = {
        "storage": lambda _: parse_storage_url(storage),
        "otlp_grpc": parse_address,
        "otlp_http": parse_address,
        "api_grpc": parse_address,
        "http": parse_address,
        "deployment": lambda text: LogName(text, Stream.AUDIT, "writer").deployment,
        "writer": lambda text: LogName("deployment", Stream.AUDIT, text).writer if text else "",
        "workers": read_count,
        "codec": read_codec,
        "batch_rows": read_count,
        "batch_bytes": read_count,
        "batch_age": read_amount,
        "max_request_bytes": read_count,
        "memory_limit": lambda text: read_count(text) if text else 0,  # known with the engine and the workers
        "max_requests": read_count,
        "max_connections": read_count,
        "max_connection_age": read_amount,
        "ack": read_acknowledge,
        "ack_timeout": read_amount,
        "journal_bytes": read_count,
        "public_keys": read_keys,
        "signing_key": str.strip,
        "retired_keys": read_list,
        "ml_dsa": read_truth,
        "heartbeat": read_amount,
        "retention_operational": read_days,
        "retention_audit": read_days,
        "witnesses": read_witnesses,
        "witness_interval": read_amount,
        "timestamp_roots": read_file,
        "timestamp_interval": read_amount,
        "self_verify": read_interval,
        "log_level": read_level,
        "log_format": read_format,
    }
    for name, parse in parsers.items():
        text, where = values[name]
        try:
            parsed[name] = parse(text)
        except (ValueError, OSError, StorageConfigError, KeyMaterialError, MalformedError) as error:
            raise ConfigError(f"{where}: {error}") from error
    url, where = values["timestamp_authority"]
    roots, interval = parsed.pop("timestamp_roots"), parsed.pop("timestamp_interval")
    try:
        parsed["timestamp_authority"] = TimestampAuthority(url, roots, interval) if url else None
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error
    if not values["memory_limit"][0]:
        parsed["memory_limit"] = _memory_limit(parsed["storage"], parsed["workers"])
    if parsed["workers"] > 1 and isinstance(parsed["storage"], EmbeddedUrl):
        raise ConfigError(
            f"{values['workers'][1]}: {parsed['workers']} workers need a ClickHouse server, because embedded storage "
            "can be opened by one process only: give --storage http://user:password@host:8123/database, or run 1 worker"
        )
    return Settings(**parsed, audit_rules=_rules(audit))


def _memory_limit(storage: StorageUrl, workers: int) -> int:
    """Return the default memory limit of a server, in bytes."""
    if isinstance(storage, EmbeddedUrl):
        return _MEMORY_EMBEDDED
    return _MEMORY * (workers + 1 if workers > 1 else 1)  # workers have a server process beside them


def _rules(audit: object) -> tuple[Rule, ...]:
    if not isinstance(audit, dict) or audit.keys() - {"rules", "built_in_rules"}:
        raise ConfigError("[audit] may only contain the settings 'rules' and 'built_in_rules'")
    try:
        own = parse_rules(audit.get("rules", []))
    except RuleError as error:
        raise ConfigError(str(error)) from error
    return own + (BUILT_IN_RULES if audit.get("built_in_rules", True) else ())
