"""Tenants whose logs a key of their own signs, over a real storage: keys that begin, change and end."""

from __future__ import annotations

import itertools
from collections.abc import Collection

import pytest

from server.keys.keyring import Keyring
from server.log.stored_log import LogUnusableError
from server.notary.batch import Batch
from server.notary.origin import LogName, LogOwner, Stream
from server.notary.trust import fingerprint
from server.writer.owned_logs import reload_keys, signed_by
from tests.writer.log_server import AUDIT, Logs, Server, signers
from tests.writer.test_signed_stream import commit, some

ACME, UMBRELLA = (LogName("shop", Stream.AUDIT, "vm", tenant) for tenant in ("acme", "umbrella"))


def write(logs: Logs, keys: Keyring) -> dict[str, list[str]]:
    """Write a record of each tenant; return the fingerprints of the keys that signed the batches, by tenant."""
    made = commit(logs[Stream.AUDIT], *(some(tenant, "record") for tenant in ("", "acme", "umbrella")))
    found = {}
    for owner, batch in made.items():
        assert isinstance(batch, Batch)
        known = keys.known(owner.tenant).verifier_keys(batch.origin)
        found[owner.tenant] = [fingerprint(key.public_key) for key in signers(batch, *known)]
    return found


def current(keys: Keyring, tenant: str = "") -> str:
    return fingerprint(keys.signer(tenant).ed25519.public_key)


def work(server: Server, *own: str) -> tuple[dict[str, list[str]], Keyring]:
    """Start, write a record of each tenant, and stop."""
    with server.running(own=own) as logs:
        keys = server.keyring(own)
        return write(logs, keys), keys


def test_only_the_logs_of_a_tenant_with_its_own_key_are_signed_with_it(server: Server) -> None:
    signed, keys = work(server, "acme")
    assert signed == {"": [current(keys)], "acme": [current(keys, "acme")], "umbrella": [current(keys)]}
    assert current(keys) != current(keys, "acme")
    assert server.stated(ACME) == server.stated(UMBRELLA)
    assert server.changes(ACME) == []
    assert server.findings() == []


@pytest.mark.parametrize("steps", [[(), ("acme",), ("acme",), ()], [("acme",), (), ("acme",)]])
def test_a_key_that_a_tenant_gets_or_gives_back_is_a_change_of_keys_at_the_start(
    server: Server, steps: list[Collection[str]]
) -> None:
    for own in steps:
        signed, keys = work(server, *own)
        assert signed == {"": [current(keys)], "acme": [current(keys, "acme")], "umbrella": [current(keys)]}
    changed = sum(before != after for before, after in itertools.pairwise(steps))
    assert [len(server.changes(name)) for name in (ACME, UMBRELLA, AUDIT)] == [changed, 0, 0]
    assert server.findings() == []


def test_a_rotated_key_of_a_tenant_signs_its_logs_alone(server: Server) -> None:
    with server.running(own=["acme"]) as logs:
        keys = server.keyring(["acme"])
        write(logs, keys)
        servers = current(keys)
        _, new = keys.store("acme").rotate()
        reload_keys(logs.values(), keys)
        assert signed_by(logs.values(), keys) == {"": servers, "acme": ""}
        server.settle(logs)
        assert signed_by(logs.values(), keys) == {"": servers, "acme": new.fingerprint}
        assert write(logs, keys) == {"": [servers], "acme": [new.fingerprint], "umbrella": [servers]}
    assert [len(server.changes(name)) for name in (ACME, UMBRELLA, AUDIT)] == [1, 0, 0]
    assert server.findings() == []


def test_a_rotated_key_of_the_server_does_not_sign_the_logs_of_that_tenant(server: Server) -> None:
    with server.running(own=["acme"]) as logs:
        keys = server.keyring(["acme"])
        write(logs, keys)
        _, new = keys.server.rotate()
        reload_keys(logs.values(), keys)
        server.settle(logs)
        assert write(logs, keys)["acme"] == [current(keys, "acme")]
        assert signed_by(logs.values(), keys) == {"": new.fingerprint, "acme": current(keys, "acme")}
    assert server.changes(ACME) == []
    assert server.findings() == []


def test_a_tenant_whose_key_cannot_be_used_keeps_no_other_out(server: Server) -> None:
    with server.running(own=["acme"]) as logs:
        keys = server.keyring(["acme"])
        keys.signer("acme")
        file = server.directory / "keys" / "tenants" / "acme" / "signing-key.pem"
        pem = file.read_text()
        file.write_text("damaged")
        made = commit(logs[Stream.AUDIT], some("acme", "1"), some("umbrella", "2"))
        assert isinstance(made[LogOwner("umbrella")], Batch)
        assert not isinstance(made[LogOwner("acme")], Batch)
        file.write_text(pem)
        made = commit(logs[Stream.AUDIT], some("acme", "1"))
        assert isinstance(made[LogOwner("acme")], Batch)
    assert server.findings() == []


def test_a_log_is_not_gone_on_with_once_the_keys_of_its_tenant_are_lost(server: Server) -> None:
    work(server, "acme")
    (server.directory / "keys" / "tenants" / "acme").rename(server.directory / "elsewhere")
    with pytest.raises(LogUnusableError, match=f"the statements of the log {ACME.origin} in storage do not verify"):
        work(server)
