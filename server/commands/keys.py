"""``lognotary keys``: list, rotate and export a server's signing keys."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from server.commands.api_client import parse_time
from server.commands.output import complain_lines, say, say_json, say_signed
from server.data_dir.directory import read_checkpoints
from server.escaping.visible import visible
from server.keys.identity import key_store
from server.keys.in_force import keys_in_force
from server.keys.pkcs11 import generate_key
from server.keys.store import KeyStore, StoredKey
from server.notary.keys import KeyType, VerifierKey
from server.notary.signers import public_pem
from server.process.reload import Reload, signal_reload
from server.settings.settings import ConfigError, add_flags, load_settings

__all__ = ["add_parser"]

_NOT_TOLD = "warning: a server runs on {directory} and could not be notified: until it gets SIGHUP or restarts, {until}"
_FLAGS = ("data_dir", "signing_key", "retired_keys", "ml_dsa")


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "keys",
        help="list, replace and export signing keys",
        description="Manage the signing keys in a server's data directory. A key change is a checkpoint signed by both "
        "the old and the new key, so anyone who has one of them can verify the whole log.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")

    show = _add(actions, "list", "show all keys", _list)
    show.add_argument("--json", action="store_true", help="print JSON")

    _add(
        actions,
        "rotate",
        "replace the key files; a running server switches to the new key as soon as storage has the key change, "
        "otherwise the next start does",
        _rotate,
    )

    make = _add(actions, "generate", "create a key in a PKCS #11 token", _generate)
    make.add_argument("uri", metavar="URI", help="PKCS #11 URI (RFC 7512) of the new key")

    export = _add(actions, "export", "print a public key", _export)
    export.add_argument(
        "key", metavar="FINGERPRINT", nargs="?", help="fingerprint of the key (default: the current signing key)"
    )
    export.add_argument("--origin", metavar="NAME", help="print the C2SP verifier key for this log instead of PEM")

    mark = _add(actions, "compromised", "mark a key as compromised: later signatures are findings", _mark)
    mark.add_argument("key", metavar="FINGERPRINT", help="fingerprint of the key")
    mark.add_argument(
        "--since",
        type=parse_time,
        metavar="TIME",
        required=True,
        help="when it was compromised: RFC 3339, such as 2026-01-31T12:00:00Z, or an age such as 2h",
    )


def _add(actions: Any, name: str, text: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    add_flags(parser, *_FLAGS)
    parser.set_defaults(run=run)
    return parser


def _store(options: argparse.Namespace) -> KeyStore:
    return key_store(load_settings(vars(options), os.environ))


def _list(options: argparse.Namespace) -> int:
    settings = load_settings(vars(options), os.environ)
    keys = key_store(settings).keys()
    notes = read_checkpoints(settings.data_dir)
    signing = keys_in_force(notes, [key.public_key for key in keys if _type(key) is KeyType.ED25519])
    pending = _pending(keys, signing)
    if options.json:
        say_json(json.dumps([_as_json(key, signing, pending) for key in keys], indent=2))
    elif not keys:
        say("no keys yet: the server creates one at its first start")
    else:
        for key in keys:
            say(f"{key.fingerprint}  {key.algorithm:<9}  {_state(key, pending)}", f"    {key.place}")
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
        state = f"current, with the key change pending in {len(pending)} log(s)"
    else:
        state = "current"
    return state if key.compromised is None else f"{state}, compromised since {_time(key.compromised)}"


def _as_json(key: StoredKey, signing: Mapping[str, set[str]], pending: Sequence[str]) -> dict[str, object]:
    return {
        "fingerprint": key.fingerprint,
        "algorithm": key.algorithm,
        "place": key.place,
        "current": key.current,
        "compromised_since": None if key.compromised is None else _time(key.compromised),
        "signs": sorted(origin for origin, signers in signing.items() if key.fingerprint in signers),
        "pending": list(pending) if key.current and _type(key) is KeyType.ED25519 else [],
    }


def _rotate(options: argparse.Namespace) -> int:
    settings = load_settings(vars(options), os.environ)
    old, new = key_store(settings).rotate()
    say(f"key {old.fingerprint} is replaced by key {new.fingerprint}")
    say(
        {
            Reload.TOLD: "the running server was notified; 'lognotary keys list' shows a key change that is pending",
            Reload.NO_SERVER: "no server runs on this data directory: it switches to the new key when it is started",
            Reload.NOT_TOLD: _NOT_TOLD.format(directory=settings.data_dir, until="it signs with the old key"),
        }[signal_reload(settings.data_dir)]
    )
    say("publish the new public key: lognotary keys export")
    return 0


def _generate(options: argparse.Namespace) -> int:
    public = generate_key(options.uri)
    key = VerifierKey("key", public)
    complain_lines(f"created an {key.key_type.algorithm} key; its public key:")
    say_signed(public_pem(public).decode())
    return 0


def _export(options: argparse.Namespace) -> int:
    key = _find(_store(options).keys(), options.key)
    if options.origin:
        say_signed(f"{VerifierKey(options.origin, key.public_key, _type(key))}\n")
    elif _type(key) is KeyType.ED25519:
        say_signed(public_pem(key.public_key).decode())
    else:
        raise ConfigError(f"key {key.fingerprint} is an {key.algorithm} key, which has no PEM form: give --origin")
    return 0


def _mark(options: argparse.Namespace) -> int:
    settings = load_settings(vars(options), os.environ)
    key_store(settings).mark_compromised(options.key, options.since.ToNanoseconds())
    say(f"key {options.key} is marked as compromised since {options.since.ToJsonString()}")
    say(
        {
            Reload.TOLD: "the running server was notified: whatever the key signed since then is a finding now",
            Reload.NO_SERVER: "no server runs on this data directory: it applies the mark when it is started",
            Reload.NOT_TOLD: _NOT_TOLD.format(directory=settings.data_dir, until="it still trusts the key"),
        }[signal_reload(settings.data_dir)]
    )
    say("replace the key: lognotary keys rotate")
    return 0


def _find(keys: Sequence[StoredKey], name: str | None) -> StoredKey:
    for key in keys:
        if key.fingerprint == name or (name is None and key.current):
            return key
    raise ConfigError(
        f"there is no key {name}" if name else "there is no key yet: the server creates one at its first start"
    )


def _type(key: StoredKey) -> KeyType:
    return next(kind for kind in KeyType if kind.algorithm == key.algorithm and kind is not KeyType.ED25519_COSIGNATURE)


def _time(nanos: int) -> str:
    return datetime.fromtimestamp(nanos // 10**9, UTC).isoformat().replace("+00:00", "Z")
