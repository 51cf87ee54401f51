from __future__ import annotations

import pickle
from base64 import b64encode
from pathlib import Path

import pytest

from server.codec.producers.policy import Policy, ProducerKeys
from server.notary.errors import KeyMaterialError
from server.settings.producers import read_policy, read_producer_keys
from server.settings.settings import ConfigError, load_settings
from tests.codec.producers.signing import producer

SECRET = b64encode(bytes(32)).decode()


def write(file: Path, content: str, mode: int = 0o644) -> Path:
    file.write_text(content)
    file.chmod(mode)
    return file


def test_keys_are_read_from_files_and_directories(tmp_path: Path) -> None:
    one, other = producer(), producer("EdDSA")
    file = write(tmp_path / "one.pem", one.pem)
    directory = tmp_path / "keys"
    directory.mkdir()
    write(directory / "other.pem", other.public_pem)
    write(directory / "hmac.key", SECRET, 0o600)
    write(directory / ".hidden", "not a key")
    (directory / "below").mkdir()
    keys = read_producer_keys(f"{file}, {directory}")
    assert (set(keys.certificates), len(keys.public), keys.secrets) == (
        {one.fingerprint},
        1,
        {"hmac:hmac.key": bytes(32)},
    )
    assert keys.paths == (str(file), str(directory))


def test_workers_get_the_same_keys(tmp_path: Path) -> None:
    write(tmp_path / "one.pem", producer().pem)
    for algorithm in ("RS256", "ES256", "EdDSA"):
        write(tmp_path / f"{algorithm}.pem", producer(algorithm).public_pem)
    write(tmp_path / "hmac.key", SECRET, 0o600)
    keys = read_producer_keys(str(tmp_path))
    assert len(keys) == 5
    assert pickle.loads(pickle.dumps(keys)) == keys  # noqa: S301 - its own


def test_what_everybody_may_know_is_no_secret(tmp_path: Path) -> None:
    one = producer()
    for number, pem in enumerate((one.pem, one.public_pem)):
        der = "".join(line for line in pem.splitlines() if "-----" not in line)
        file = write(tmp_path / f"{number}.key", der, 0o600)
        with pytest.raises(KeyMaterialError, match="which everybody may know: give it in PEM"):
            read_producer_keys(str(file))


def test_there_may_be_no_keys() -> None:
    assert read_producer_keys("") == ProducerKeys()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_secret_that_others_may_read_is_an_error(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "hmac.key", SECRET, mode)
    with pytest.raises(ValueError, match="set its mode to 0600"):
        read_producer_keys(str(file))


def test_a_file_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    file = write(tmp_path / "one.pem", "x" * (1 << 20 | 1))
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        read_producer_keys(str(file))


def test_what_is_no_secret_is_not_called_one_whoever_may_read_it(tmp_path: Path) -> None:
    file = write(tmp_path / "README", "hello world")
    with pytest.raises(KeyMaterialError, match="README: the file has neither PEM nor standard base64: give PEM of "):
        read_producer_keys(str(tmp_path))
    file.write_bytes(b"\x30\x82\xff")
    with pytest.raises(KeyMaterialError, match="README: the file is not text: give PEM of "):
        read_producer_keys(str(file))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"there is no file {tmp_path}/nowhere.pem: check the path"):
        load_settings({"producer_keys": str(tmp_path / "nowhere.pem")}, {})
    with pytest.raises(ConfigError, match="/dev/zero cannot be read: it is not a regular file"):
        load_settings({"producer_keys": "/dev/zero"}, {})


def test_signatures_are_annotated_unless_the_setting_says_otherwise() -> None:
    assert load_settings({}, {}).producer_signatures is Policy.ANNOTATE
    assert read_policy("OFF") is Policy.OFF


def test_to_require_signatures_needs_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="require refuses every audit record without producer_keys"):
        load_settings({"producer_signatures": "require"}, {})
    file = write(tmp_path / "one.pem", producer().pem)
    settings = load_settings({"producer_signatures": "require", "producer_keys": str(file)}, {})
    assert len(settings.producer_keys) == 1
