"""``lognotary keys --tenant``: the keys of a tenant, and those that it does not have."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from server.cli import main
from server.data_dir.kept_notes import tenants_file
from server.data_dir.tenant_logs import TenantLogs
from server.keys.store import KeyStore
from server.notary.checkpoint import Checkpoint, sign_checkpoint
from server.notary.keys import VerifierKey
from server.notary.origin import LogName, Stream
from server.notary.statement import Statement, StatementKind, key_change_words, sign_statement

ACME = LogName("lognotary", Stream.AUDIT, "w", "acme")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A data directory with the keys of a server and of a tenant."""
    for place, name in ((tmp_path / "keys", LogName("lognotary", Stream.AUDIT, "w")), (_of_acme(tmp_path), ACME)):
        KeyStore(place).publish([name])
    return tmp_path


def _of_acme(directory: Path) -> Path:
    return directory / "keys" / "tenants" / "acme"


def test_the_keys_of_a_tenant_are_listed_rotated_and_marked_apart(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [servers] = KeyStore(directory / "keys").keys()
    [old] = KeyStore(_of_acme(directory)).keys()
    at = ["--data-dir", str(directory), "--tenant", "acme"]
    assert main(["keys", "rotate", *at]) == 0
    assert "lognotary keys export --tenant acme" in capsys.readouterr().out
    assert main(["keys", "compromised", old.fingerprint, "--since", "2026-01-01T00:00:00Z", *at]) == 0
    capsys.readouterr()
    assert main(["keys", "list", *at]) == 0
    listed = capsys.readouterr().out
    assert f"{old.fingerprint}  Ed25519    replaced, compromised since 2026-01-01" in listed
    assert servers.fingerprint not in listed
    assert KeyStore(directory / "keys").keys() == [servers]


def test_the_list_tells_the_public_key_from_the_private_one(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["keys", "list", "--data-dir", str(directory)]
    assert main(at) == 0
    keys = directory / "keys"
    places = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert places == [
        ["private", "key", str(keys / "signing-key.pem")],
        ["public", "key", str(keys / "public-key.pem")],
    ]
    KeyStore(keys).rotate()  # the key that was published last is a replaced one now, until a server runs
    assert main([*at, "--json"]) == 0
    files = {key["current"]: key["public_key_file"] for key in json.loads(capsys.readouterr().out)}
    assert files == {True: None, False: str(keys / "public-key.pem")}


def test_a_tenant_without_keys_is_told_with_what_to_do(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "list", "--data-dir", str(directory), "--tenant", "acmee"]) == 2
    said = capsys.readouterr().err
    assert "the tenant acmee has no keys of its own; did you mean 'acme'?" in said
    assert "own_key = true" in said


def test_a_key_is_exported_for_logs_of_its_tenant_alone(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["keys", "export", "--data-dir", str(directory), "--tenant", "acme", "--origin"]
    assert main([*at, "lognotary/audit/w"]) == 2
    assert "is not a log of the tenant acme" in capsys.readouterr().err
    KeyStore(directory / "keys").publish_keys([*KeyStore(_of_acme(directory)).signer().verifier_keys(ACME.origin)])
    assert main([*at, ACME.origin]) == 0
    [key] = KeyStore(_of_acme(directory)).keys()
    assert capsys.readouterr().out == f"{VerifierKey(ACME.origin, key.public_key)}\n"


def test_a_tenants_own_key_is_known_without_the_servers_settings_file(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, acmes = KeyStore(directory / "keys"), KeyStore(_of_acme(directory)).signer()
    servers = server.signer()
    checkpoint = Checkpoint(ACME.origin, 1, bytes(32))
    words = key_change_words(acmes.verifier_keys(ACME.origin), servers.verifier_keys(ACME.origin))
    change = sign_statement(Statement(checkpoint, 1, 1, StatementKind.KEYS, words), (servers, acmes)).note
    tenants_file(directory).parent.mkdir()
    with closing(TenantLogs(tenants_file(directory))) as logs:
        logs.remember_checkpoints({ACME.origin: str(sign_checkpoint(checkpoint, servers))})
        logs.remember_statements({ACME.origin: change})
    server.rotate()
    at = ["--data-dir", str(directory)]
    assert main(["keys", "list", *at]) == 0
    assert "pending" not in capsys.readouterr().out
    assert main(["keys", "export", "--origin", ACME.origin, *at]) == 0
    assert capsys.readouterr().out == f"{acmes.verifier_key(ACME.origin)}\n"
    config = directory / "lognotary.toml"
    config.write_text('[[tenants]]\nname = "acme"\n')  # without own_key: the server's key is to sign again
    assert main(["keys", "list", "--config", str(config), *at]) == 0
    assert f"still signs {ACME.origin}" in capsys.readouterr().out


def test_the_keys_to_hand_over_verify_the_logs_of_one_tenant_and_its_exports_and_name_no_other(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    servers, acmes = (KeyStore(place).signer() for place in (directory / "keys", _of_acme(directory)))
    own, shop = LogName("lognotary", Stream.AUDIT, "w"), LogName("lognotary", Stream.AUDIT, "w", "shop")
    whole = LogName("lognotary", Stream.AUDIT, "w", access=True)
    at = ["--data-dir", str(directory), "--verifier-keys"]
    signed = {own: servers, whole: servers, ACME: acmes, shop: servers}
    KeyStore(directory / "keys").publish_keys(signer.verifier_key(name.origin) for name, signer in signed.items())
    manifests = servers.verifier_key("lognotary/export")
    for name, tenant in ((ACME, ["--tenant", "acme"]), (shop, ["--tenant", "shop"]), (own, [])):
        assert main(["keys", "export", *at, *tenant]) == 0
        assert capsys.readouterr().out == f"{signed[name].verifier_key(name.origin)}\n{manifests}\n"
    assert main(["keys", "export", *at, "--tenant", "shoo"]) == 2
    assert "the tenant shoo has no logs here; did you mean 'shop'?" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["keys", "export", *at, "--origin", ACME.origin])
    assert "leave FINGERPRINT and --origin out" in capsys.readouterr().err
    (directory / "keys" / "verifier-keys.txt").unlink()
    assert main(["keys", "export", *at]) == 2
    assert "no keys were published in" in capsys.readouterr().err
