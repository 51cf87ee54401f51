"""Keys of tenants beside those of the server: who signs, who is trusted for what, and what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.data_dir.directory import DataDirectory
from server.keys.identity import Identity, identify
from server.keys.key_files import KeyStoreError
from server.keys.keyring import Keyring, tenant_stores
from server.keys.store import KeyStore
from server.notary.checkpoint import Checkpoint
from server.notary.keys import VerifierKey
from server.notary.merkle import EMPTY_ROOT
from server.notary.origin import LogName, Stream
from server.notary.signers import Signer
from server.notary.trust import fingerprints
from server.settings.settings import load_settings

ACME, UMBRELLA = (LogName("lognotary", Stream.AUDIT, "vm", tenant) for tenant in ("acme", "umbrella"))
DEFAULT = LogName("lognotary", Stream.AUDIT, "vm")


def ring(directory: Path, *own: str) -> Keyring:
    return Keyring(KeyStore(directory), tenant_stores(directory, own, KeyStore), own)


def identity_of(directory: Path, *own: str, workers: int = 1) -> Identity:
    file = directory.with_suffix(".toml")
    file.write_text("".join(f'[[tenants]]\nname = "{tenant}"\nown_key = true\n' for tenant in own))
    flags = {"data_dir": str(directory), "writer": "vm", "storage": "http://host/logs", "config": str(file)}
    with DataDirectory(directory) as data:
        return identify(load_settings({**flags, "workers": str(workers)}, {}), data)


def published(directory: Path, tenant: str = "") -> dict[str, VerifierKey]:
    file = directory / "keys" / (f"tenants/{tenant}" if tenant else "") / "verifier-keys.txt"
    return {key.name: key for key in map(VerifierKey.parse, file.read_text().split())}


def remember(directory: Path, name: LogName, signer: Signer) -> None:
    """Have a data directory remember a checkpoint of a log."""
    note = signer.sign(Checkpoint(name.origin, 0, EMPTY_ROOT).text(), name.origin)
    with DataDirectory(directory) as data:
        data.remember_checkpoints({name: str(note)})


def test_a_tenant_without_a_key_of_its_own_is_signed_for_with_the_servers(tmp_path: Path) -> None:
    keys = ring(tmp_path, "acme")
    assert fingerprints(keys.signer("umbrella")) == fingerprints(keys.signer()) == fingerprints(keys.server.signer())
    assert fingerprints(keys.signer("acme")) != fingerprints(keys.signer())
    assert (keys.holder("acme"), keys.holder("umbrella"), keys.holder("")) == ("acme", "", "")


def test_keys_of_both_may_have_signed_the_logs_of_a_tenant_that_has_or_had_keys(tmp_path: Path) -> None:
    signers = [ring(tmp_path, "acme").signer(tenant) for tenant in ("acme", "")]
    keys = ring(tmp_path)  # it has them no longer
    assert fingerprints(keys.signer("acme")) == fingerprints(signers[1])
    for signer in signers:
        wanted = signer.verifier_keys(ACME.origin)
        assert keys.known("acme").signer_of(wanted).verifier_keys(ACME.origin) == wanted
    with pytest.raises(KeyStoreError, match="is signed by the key"):
        keys.known("umbrella").signer_of(signers[0].verifier_keys(UMBRELLA.origin))


def test_a_tenants_key_is_trusted_for_its_logs_alone(tmp_path: Path) -> None:
    keys = ring(tmp_path, "acme")
    own, servers = keys.signer("acme").ed25519.public_key, keys.signer().ed25519.public_key
    trusted = keys.trusted("lognotary")

    def believed(name: LogName) -> list[bytes]:
        return [key.public_key for key in trusted.for_origin(name.origin)]

    assert believed(ACME) == believed(LogName("lognotary", Stream.AUDIT, "another", "acme", access=True))
    assert believed(ACME) == [own, servers]
    assert (
        believed(UMBRELLA) == believed(DEFAULT) == believed(LogName("other", Stream.AUDIT, "vm", "acme")) == [servers]
    )


def test_marks_of_compromised_keys_of_tenants_count(tmp_path: Path) -> None:
    keys = ring(tmp_path, "acme")
    name = fingerprints(keys.signer("acme"))
    keys.store("acme").mark_compromised(name, 5 * 10**9)
    assert keys.trusted("lognotary").compromised == {name: 5 * 10**9}


class TestPublication:
    def test_a_tenants_keys_are_made_and_published_before_its_first_record(self, tmp_path: Path) -> None:
        identity = identity_of(tmp_path / "data", "acme", workers=2)
        own = published(tmp_path / "data", "acme")
        words = ("audit", "operational", "spans", "access")
        assert set(own) == {f"lognotary/acme/{word}/{writer}" for word in words for writer in ("vm", "vm-1", "vm-2")}
        assert {key.public_key for key in own.values()} == {identity.keys.signer("acme").ed25519.public_key}
        assert own.items() <= published(tmp_path / "data").items()

    def test_logs_of_tenants_are_published_once_they_exist(self, tmp_path: Path) -> None:
        identity = identity_of(tmp_path / "data")
        settled = {"": fingerprints(identity.store.signer())}
        access = LogName("lognotary", Stream.AUDIT, "vm", access=True)
        for name in (UMBRELLA, access, LogName("lognotary", Stream.AUDIT, "another", "umbrella")):
            remember(tmp_path / "data", name, identity.store.signer())
        assert identity.publisher.publish(settled) == {}
        assert list(published(tmp_path / "data"))[3:] == [access.origin, UMBRELLA.origin]

    def test_files_are_written_only_when_something_changed(self, tmp_path: Path) -> None:
        identity = identity_of(tmp_path / "data")
        file = tmp_path / "data" / "keys" / "verifier-keys.txt"
        file.unlink()
        assert identity.publisher.publish({"": fingerprints(identity.store.signer())}) == {}
        assert not file.exists()

    def test_a_rotated_key_of_a_tenant_is_published_once_it_signs(self, tmp_path: Path) -> None:
        identity = identity_of(tmp_path / "data", "acme")
        servers = published(tmp_path / "data")[DEFAULT.origin]
        old, new = identity.keys.store("acme").rotate()
        settled = {"": fingerprints(identity.store.signer())}
        for said in (old.fingerprint, ""):
            assert identity.publisher.publish({**settled, "acme": said}) == {}
            assert published(tmp_path / "data")[ACME.origin].public_key == old.public_key
        assert identity.publisher.publish({**settled, "acme": new.fingerprint}) == {"acme": new.fingerprint}
        for tenant in ("", "acme"):
            assert published(tmp_path / "data", tenant)[ACME.origin].public_key == new.public_key
        assert published(tmp_path / "data")[DEFAULT.origin] == servers

    def test_a_new_log_of_a_holder_whose_keys_are_changing_has_to_wait(self, tmp_path: Path) -> None:
        identity = identity_of(tmp_path / "data")
        before = identity.store.signer()
        identity.store.rotate()
        remember(tmp_path / "data", UMBRELLA, identity.store.signer())
        assert identity.publisher.publish({"": ""}) == {}
        assert UMBRELLA.origin not in published(tmp_path / "data")
        assert published(tmp_path / "data")[DEFAULT.origin].public_key == before.ed25519.public_key
        identity.publisher.publish({"": fingerprints(identity.store.signer())})
        assert UMBRELLA.origin in published(tmp_path / "data")

    def test_a_key_that_is_to_replace_the_servers_is_published_when_storage_has_the_change(
        self, tmp_path: Path
    ) -> None:
        servers = identity_of(tmp_path / "data").store.signer()
        remember(tmp_path / "data", ACME, servers)
        identity_of(tmp_path / "data")
        identity = identity_of(tmp_path / "data", "acme")
        assert published(tmp_path / "data")[ACME.origin].public_key == servers.ed25519.public_key
        signed = {"": fingerprints(servers), "acme": fingerprints(identity.keys.signer("acme"))}
        identity.publisher.publish(signed)
        own = identity.keys.signer("acme").ed25519.public_key
        assert {published(tmp_path / "data", tenant)[ACME.origin].public_key for tenant in ("", "acme")} == {own}


@pytest.mark.parametrize("by", ["acme", ""])
def test_a_lost_key_of_a_tenant_is_noticed_if_it_signed(tmp_path: Path, by: str) -> None:
    identity = identity_of(tmp_path / "data", "acme")
    remember(tmp_path / "data", ACME, identity.keys.signer(by))
    file = tmp_path / "data" / "keys" / "tenants" / "acme"
    file.rename(tmp_path / "elsewhere")
    if by:
        with pytest.raises(KeyStoreError, match="has checkpoints of logs of the tenant acme that it signed"):
            identity_of(tmp_path / "data", "acme")
        assert not (file / "signing-key.pem").exists()
    else:
        assert identity_of(tmp_path / "data", "acme").keys.signer("acme")
