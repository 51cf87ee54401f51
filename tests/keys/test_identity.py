from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from server.data_dir.directory import DataDirectory
from server.data_dir.kept_notes import worker_directory
from server.keys.identity import Identity, identify
from server.keys.store import KeyStore
from server.notary.keys import KeyType, VerifierKey
from server.notary.signers import Ed25519Key, Signer
from server.notary.trust import TrustedKeys, read_public_pem
from server.settings.settings import load_settings


def identity_of(directory: Path, workers: int, **settings: str) -> Identity:
    flags = {"data_dir": str(directory), "writer": "vm", "storage": "http://host/logs", "workers": str(workers)}
    flags |= settings
    with DataDirectory(directory) as data:
        return identify(load_settings(flags, {}), data)


def published(directory: Path) -> list[str]:
    lines = (directory / "keys" / "verifier-keys.txt").read_text().splitlines()
    return [VerifierKey.parse(line).name for line in lines]


def published_keys(directory: Path) -> set[bytes]:
    """Return the published Ed25519 keys, which are the same in both files."""
    lines = (directory / "keys" / "verifier-keys.txt").read_text().splitlines()
    keys = {VerifierKey.parse(line).public_key for line in lines}
    assert keys == {read_public_pem((directory / "keys" / "public-key.pem").read_text())}
    return keys


def origins(*writers: str) -> list[str]:
    return [f"lognotary/{stream}/{writer}" for writer in writers for stream in ("audit", "operational", "spans")]


def test_a_server_alone_has_the_logs_of_its_name(tmp_path: Path) -> None:
    identity = identity_of(tmp_path, 1)
    assert [log.origin for log in identity.logs] == origins("vm") == published(tmp_path)
    assert identity.workers_logs == ()


def test_workers_write_under_numbered_names_and_sign_with_the_servers_key(tmp_path: Path) -> None:
    identity = identity_of(tmp_path, 2)
    assert [identity.writer_of(number) for number in (1, 2)] == ["vm-1", "vm-2"]
    assert [log.origin for log in identity.workers_logs] == origins("vm-1", "vm-2")
    assert published(tmp_path) == origins("vm", "vm-1", "vm-2")
    for origin in published(tmp_path):
        assert identity.trusted().for_origin(origin) == [*identity.store.signer().verifier_keys(origin)]


def test_workers_that_are_no_longer_started_still_have_their_logs(tmp_path: Path) -> None:
    DataDirectory(worker_directory(tmp_path, 3)).close()
    assert [log.origin for log in identity_of(tmp_path, 1).workers_logs] == origins("vm-3")
    assert published(tmp_path) == origins("vm", "vm-3")
    assert [log.origin for log in identity_of(tmp_path, 2).workers_logs] == origins("vm-1", "vm-2", "vm-3")


def test_keys_that_were_replaced_are_believed_and_no_longer_published(tmp_path: Path) -> None:
    old, new = identity_of(tmp_path, 1).store.rotate()
    identity = identity_of(tmp_path, 1)
    assert identity.trusted() == TrustedKeys(unnamed=(new.public_key, old.public_key))
    assert published_keys(tmp_path) == {old.public_key}  # which signs what is in storage, so far
    assert identity.publisher.publish({"": new.fingerprint}) == {}  # it replaced no key that this start published
    assert published_keys(tmp_path) == {new.public_key}


def test_keys_that_are_rotated_while_keys_are_published_wait_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = identity_of(tmp_path, 1)
    _, new = identity.store.rotate()
    publish = KeyStore.publish

    def rotated_meanwhile(store: KeyStore, *arguments: Any) -> None:
        store.rotate()
        publish(store, *arguments)

    monkeypatch.setattr(KeyStore, "publish", rotated_meanwhile)
    assert identity.publisher.publish({"": new.fingerprint}) == {"": new.fingerprint}
    assert published_keys(tmp_path) == {new.public_key}


def test_marks_of_compromised_keys_and_keys_of_other_writers_are_known(tmp_path: Path) -> None:
    other = Signer(Ed25519Key.generate())
    (tmp_path / "other.pem").write_bytes(other.public_pem())
    store = identity_of(tmp_path, 1).store
    [key] = store.keys()
    store.mark_compromised(key.fingerprint, 5 * 10**9)
    keys = identity_of(tmp_path, 1, public_keys=str(tmp_path / "other.pem")).trusted()
    assert keys.unnamed == (key.public_key, other.ed25519.public_key)
    assert keys.compromised == {key.fingerprint: 5 * 10**9}


def test_a_second_key_is_published_beside_the_first(tmp_path: Path) -> None:
    identity_of(tmp_path, 1, ml_dsa="true")
    assert published(tmp_path) == [origin for origin in origins("vm") for _ in range(2)]
    lines = (tmp_path / "keys" / "verifier-keys.txt").read_text().splitlines()
    assert [VerifierKey.parse(line).key_type for line in lines] == 3 * [KeyType.ED25519, KeyType.ML_DSA_44]


def test_what_is_published_follows_a_rotation_once_the_new_key_signs(tmp_path: Path) -> None:
    identity = identity_of(tmp_path, 2)
    old, new = identity.store.rotate()
    for signed_by in (old.fingerprint, ""):  # "": some logs have changed, and others have not
        assert identity.publisher.publish({"": signed_by}) == {}
        assert published_keys(tmp_path) == {old.public_key}
    assert identity.publisher.publish({"": new.fingerprint}) == {"": new.fingerprint}
    assert published(tmp_path) == origins("vm", "vm-1", "vm-2")
    assert published_keys(tmp_path) == {new.public_key}
