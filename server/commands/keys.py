"""``lognotary keys``: list, rotate and export a server's signing keys."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from server.access.tenants import DEFAULT_TENANT
from server.commands.handed_keys import keys_to_hand_over
from server.commands.key_holders import stores_of_tenants, tenants_that_sign
from server.commands.local import read_text
from server.commands.output import complain, complain_lines, say, say_json, say_signed
from server.data_dir.kept_notes import read_checkpoints
from server.errors.suggestions import did_you_mean
from server.escaping.visible import visible
from server.keys.identity import key_store
from server.keys.in_force import keys_in_force
from server.keys.pkcs11 import generate_key
from server.keys.store import KeyStore, StoredKey
from server.notary.acknowledgement import KEY_NAME as ACKNOWLEDGEMENT_NAME
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted
from server.notary.keys import KeyType, VerifierKey
from server.notary.origin import LogName
from server.notary.signers import public_pem
from server.process.reload import Reload, signal_reload
from server.settings.secrets import pin_in_command
from server.settings.settings import ConfigError, Settings, load_settings

__all__ = ["export", "generate", "list_keys", "mark_compromised", "rotate"]

_NOT_TOLD = "warning: a server runs on {directory} and could not be notified: until it gets SIGHUP or restarts, {until}"


def _settings(options: argparse.Namespace) -> Settings:
    """Return the settings, after checking that the data directory is one: a wrong directory looks like an empty one."""
    settings = load_settings(vars(options), os.environ)
    directory = settings.data_dir
    if not settings.signing_key and not (directory / "keys").is_dir():
        state = "is not the data directory of a server" if directory.is_dir() else "does not exist"
        raise ConfigError(
            f"{directory.absolute()} {state}, so there are no keys: give the server's data directory with --data-dir "
            "(a server creates its key at its first start)"
        )
    return settings


def _store(options: argparse.Namespace, settings: Settings) -> KeyStore:
    """Return the store of the server's keys, or of those of the tenant that is given.

    Raises:
        ConfigError: the tenant has no keys of its own.
    """
    if options.tenant is None:
        return key_store(settings)
    there = stores_of_tenants(settings)
    if options.tenant not in there:
        raise ConfigError(
            f"the tenant {visible(options.tenant)} has no keys of its own{did_you_mean(options.tenant, there)} "
            f"(tenants that have: {', '.join(there) or 'none'}). To give it some, write a table [[tenants]] with its "
            "name and own_key = true into the settings file, and start the server, which creates them"
        )
    return there[options.tenant]


def list_keys(options: argparse.Namespace) -> int:
    """List the keys; return the exit status."""
    settings = _settings(options)
    keys = _store(options, settings).keys()
    known = [*keys, *(key_store(settings).keys() if options.tenant is not None else ())]
    notes = read_checkpoints(settings.data_dir)
    every = keys_in_force(notes, [key.public_key for key in known if _type(key) is KeyType.ED25519])
    own = tenants_that_sign(settings, notes)
    signing = {
        origin: signers
        for origin, signers in every.items()
        if (tenant := LogName.parse(origin, settings.deployment).tenant) == options.tenant
        or (options.tenant is None and tenant not in own)
    }
    pending = _pending(keys, signing) if options.tenant is None or options.tenant in own else []
    if options.json:
        say_json(json.dumps([_as_json(key, signing, pending) for key in keys], indent=2))
    elif not keys:
        raise ConfigError(
            f"there are no keys in {settings.data_dir / 'keys'}: the server creates one at its first start"
        )
    else:
        for key in keys:
            say(f"{key.fingerprint}  {key.algorithm:<9}  {_state(key, pending)}", f"    private key  {key.place}")
            if key.public_file:
                say(f"    public key   {key.public_file}")
        for origin in pending:
            say(f"key change pending: in storage, {', '.join(sorted(signing[origin]))} still signs {visible(origin)}")
    return 0


def _pending(keys: Sequence[StoredKey], signing: Mapping[str, set[str]]) -> list[str]:
    """Return the logs that the key which is to sign now does not sign yet."""
    [current] = {key.fingerprint for key in keys if key.current and _type(key) is KeyType.ED25519} or {""}
    return sorted(origin for origin, signers in signing.items() if signers and current not in signers)


def _state(key: StoredKey, pending: Sequence[str]) -> str:
    if not key.current:
        state = "replaced"
    elif pending and _type(key) is KeyType.ED25519:
        state = f"current, with the key change pending in {counted(len(pending), 'log')}"
    else:
        state = "current"
    return state if key.compromised is None else f"{state}, compromised since {_time(key.compromised)}"


def _as_json(key: StoredKey, signing: Mapping[str, set[str]], pending: Sequence[str]) -> dict[str, object]:
    return {
        "fingerprint": key.fingerprint,
        "algorithm": key.algorithm,
        "place": key.place,
        "public_key_file": key.public_file or None,
        "current": key.current,
        "compromised_since": None if key.compromised is None else _time(key.compromised),
        "signs": sorted(origin for origin, signers in signing.items() if key.fingerprint in signers),
        "pending": list(pending) if key.current and _type(key) is KeyType.ED25519 else [],
    }


def rotate(options: argparse.Namespace) -> int:
    """Replace the key files; return the exit status."""
    settings = _settings(options)
    old, new = _store(options, settings).rotate()
    say(f"key {old.fingerprint} is replaced by key {new.fingerprint}")
    say(
        {
            Reload.TOLD: "the running server was notified; 'lognotary keys list' shows a key change that is pending",
            Reload.NO_SERVER: "no server runs on this data directory: it switches to the new key when it is started",
            Reload.NOT_TOLD: _NOT_TOLD.format(directory=settings.data_dir, until="it signs with the old key"),
        }[signal_reload(settings.data_dir)]
    )
    say(f"publish the new public key: lognotary keys export{_of_tenant(options)}")
    return 0


def generate(options: argparse.Namespace) -> int:
    """Create a key in a token; return the exit status."""
    if problem := pin_in_command(options.uri):
        complain(f"the URI {problem}")
    public = generate_key(options.uri)
    key = VerifierKey("key", public)
    complain_lines(f"created an {key.key_type.algorithm} key; its public key:")
    say_signed(public_pem(public).decode())
    return 0


def export(options: argparse.Namespace) -> int:
    """Print a public key; return the exit status."""
    settings = _settings(options)
    if options.verifier_keys:
        say_signed("".join(f"{key}\n" for key in keys_to_hand_over(settings, options.tenant or DEFAULT_TENANT)))
        return 0
    if options.origin:
        _check_origin(settings, options)
    key = _find(_store(options, settings).keys(), options.key)
    if options.origin:
        say_signed(f"{VerifierKey(options.origin, key.public_key, _type(key))}\n")
    elif _type(key) is KeyType.ED25519:
        say_signed(public_pem(key.public_key).decode())
    else:
        raise ConfigError(f"key {key.fingerprint} is an {key.algorithm} key, which has no PEM form: give --origin")
    return 0


def _check_origin(settings: Settings, options: argparse.Namespace) -> None:
    """Check that the keys sign under a name: for another name, a key would verify nothing.

    If no tenant is given, the log of a tenant with a key of its own decides it.
    """
    origin = options.origin
    if origin == ACKNOWLEDGEMENT_NAME:
        return
    tenant = LogName.parse(origin, settings.deployment).tenant
    notes = read_checkpoints(settings.data_dir)
    if options.tenant is None and options.key is None and tenant in tenants_that_sign(settings, notes):
        options.tenant = tenant
    if options.tenant not in (None, tenant):
        raise ConfigError(f"--origin: {visible(origin)} is not a log of the tenant {visible(options.tenant)}")
    file = settings.data_dir / "keys" / "verifier-keys.txt"
    lines = read_text(str(file)).splitlines() if file.exists() else []
    origins = {line.partition("+")[0] for line in lines}
    origins |= {open_checkpoint(note)[0].origin for note in notes}
    if origin not in origins:
        listed = ", ".join(map(visible, sorted(origins))) or "none before its first start"
        raise ConfigError(
            f"--origin: {visible(origin)} is not a log of this server{did_you_mean(origin, origins)} "
            f"(its logs: {listed})"
        )


def mark_compromised(options: argparse.Namespace) -> int:
    """Mark a key as compromised; return the exit status."""
    settings = _settings(options)
    _store(options, settings).mark_compromised(options.key, options.since.nanos)
    say(f"key {options.key} is marked as compromised since {_time(options.since.nanos)}")
    say(
        {
            Reload.TOLD: "the running server was notified: whatever the key signed since then is a finding now",
            Reload.NO_SERVER: "no server runs on this data directory: it applies the mark when it is started",
            Reload.NOT_TOLD: _NOT_TOLD.format(directory=settings.data_dir, until="it still trusts the key"),
        }[signal_reload(settings.data_dir)]
    )
    say(f"replace the key: lognotary keys rotate{_of_tenant(options)}")
    return 0


def _find(keys: Sequence[StoredKey], name: str | None) -> StoredKey:
    for key in keys:
        if key.fingerprint == name or (name is None and key.current):
            return key
    raise ConfigError(
        f"there is no key {name}" if name else "there is no key yet: the server creates one at its first start"
    )


def _of_tenant(options: argparse.Namespace) -> str:
    return "" if options.tenant is None else f" --tenant {visible(options.tenant)}"


def _type(key: StoredKey) -> KeyType:
    return next(kind for kind in KeyType if kind.algorithm == key.algorithm and kind is not KeyType.ED25519_COSIGNATURE)


def _time(nanos: int) -> str:
    return datetime.fromtimestamp(nanos // 10**9, UTC).isoformat().replace("+00:00", "Z")
