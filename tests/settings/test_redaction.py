"""Settings of redaction: the default, keys and patterns, modes of single rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.codec.redaction_rules import Mode, Redaction
from server.settings.settings import ConfigError, load_settings
from tests.settings.loading import load


def test_secrets_are_removed_unless_something_else_is_set(tmp_path: Path) -> None:
    assert load(tmp_path).redaction == Redaction(Mode.REMOVE)
    assert load(tmp_path).redaction_key_file is None
    (tmp_path / "key").touch()
    settings = load(
        tmp_path,
        'redaction_keys = ["internal.code", "shoeSize"]\nredaction_keep = "order.number"',
        redaction="Hash",
        redaction_patterns="Card, jwt",
        redaction_key_file=str(tmp_path / "key"),
    )
    own = ("internal.code", "shoeSize"), ("order.number",), ("card", "jwt")
    assert settings.redaction == Redaction(Mode.HASH, *own)
    assert settings.redaction_key_file == tmp_path / "key"
    assert load(tmp_path, redaction="off", redaction_patterns="none").redaction == Redaction(Mode.OFF, patterns=())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("redaction", "drop", "'drop' is not off, remove, hash or disclose"),
        ("redaction_patterns", "card,jwts", "did you mean 'jwt'?"),
        ("redaction_patterns", "all,card", "'all' is not"),
        ("redaction_keys", "a,--", "'--' has no word"),
        ("redaction_modes", "card", "'card' is not RULE=MODE"),
        ("redaction_modes", "key.passwort=off", "did you mean 'key.password'?"),
        ("redaction_modes", "card=hsah", "card: 'hsah' is not off, remove, hash or disclose; did you mean 'hash'?"),
        ("redaction_modes", "card=hash,Card=off", "card has two modes: give it one"),
        ("redaction_modes", "key.custom=disclose", "has no words: name keys in redaction_keys"),
        ("redaction_keys", "record id", "covers audit.record.id, by which audit records are told apart"),
        ("redaction_key_file", "/nowhere/key", "the file /nowhere/key does not exist"),
    ],
)
def test_a_redaction_that_cannot_be_is_refused(name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_settings({name: text}, {})
    assert told in str(refused.value)


def test_rules_have_modes_of_their_own(tmp_path: Path) -> None:
    modes = {"key.custom": Mode.DISCLOSE, "card": Mode.OFF}
    file = 'redaction_modes = ["key.custom=disclose", "Card = off"]\nredaction_keys = ["user email"]'
    assert load(tmp_path, file).redaction == Redaction(keys=("user email",), modes=modes)
    own = load(tmp_path, redaction="off", redaction_modes="jwt=hash", redaction_patterns="jwt").redaction
    assert own == Redaction(Mode.OFF, patterns=("jwt",), modes={"jwt": Mode.HASH})


def test_a_mode_that_cannot_have_an_effect_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, 'redaction_patterns = "jwt"\nredaction_modes = "card=hash,basic=off"')
    assert ":2: redaction_modes: card cannot be hash, because redaction_patterns does not have it" in str(refused.value)
    assert "basic" not in str(refused.value)
