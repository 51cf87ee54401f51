"""Rules of tenants in the settings file: keys and witnesses of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.notary.keys import KeyType, VerifierKey
from server.settings.settings import ConfigError, Settings, load_settings
from server.settings.tenant_rules import TenantRule, tenants_with_keys
from server.witness.settings import Witness
from tests.settings.lines import is_on_its_line

KEYS = [VerifierKey(f"w{number}.example", bytes([number] * 32), KeyType.ED25519_COSIGNATURE) for number in (1, 2)]
WITNESSES = [Witness(f"https://{key.name}", key) for key in KEYS]
LINES = [f"{witness.key} {witness.url}" for witness in WITNESSES]


def load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "lognotary.toml"
    file.write_text(text)
    return load_settings({"config": str(file)}, {})


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, text)
    return [problem.replace(str(tmp_path / "lognotary.toml"), "file") for problem in error.value.problems]


def test_without_rules_no_tenant_has_a_key_or_a_witness(tmp_path: Path) -> None:
    assert load(tmp_path, "").tenants == ()
    assert load(tmp_path, '[[tenants]]\nname = "acme"\n').tenants == (TenantRule("acme"),)


def test_tenants_have_keys_witnesses_and_timestamps_if_they_are_wanted(tmp_path: Path) -> None:
    text = f"""
witnesses = "{LINES[0]}"
timestamp_authority = "https://tsa.example"
[[tenants]]
name = "acme"
own_key = true
witnesses = ["{LINES[1]}", "{LINES[1]}"]
timestamps = true
[[tenants]]
name = "umbrella"
witnesses = "server"
"""
    tenants = load(tmp_path, text).tenants
    assert tenants == (
        TenantRule("acme", True, (WITNESSES[1],), True),
        TenantRule("umbrella", witnesses=(WITNESSES[0],)),
    )
    assert tenants_with_keys(tenants) == {"acme"}


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("own_key = true", 'name is missing: write name = "acme"'),
        ("name = 1", "name: 1 is not a text"),
        ('name = ""', "'' is not the name of a tenant"),
        ('name = "audit"', "'audit' cannot be the name of a tenant"),
        ('name = "acme"\nown_kee = true', "unknown setting own_kee in [[tenants]]; did you mean 'own_key'?"),
        ('name = "acme"\nqwerty = true', "a table may have name, own_key, witnesses, timestamps"),
        ('name = "acme"\nown_key = "true"', "own_key: 'true' is not true or false, without quotes"),
        ('name = "acme"\ntimestamps = 1', "timestamps: 1 is not true or false"),
        ('name = "acme"\ntimestamps = true', "needs the setting timestamp_authority"),
        ('name = "acme"\nwitnesses = "servers"', 'witnesses = "server" for those of the setting witnesses'),
        ('name = "acme"\nwitnesses = [1]', "witnesses: [1] is not a list of texts"),
        ('name = "acme"\nwitnesses = "server"', "needs the setting witnesses, which names none"),
        ('name = "acme"\nwitnesses = ["https://w.example"]', "witnesses: a witness must be given as"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_line(tmp_path: Path, rule: str, problem: str) -> None:
    text = f"\n[[tenants]]\n{rule}\n"
    told = problems(tmp_path, text)
    assert any(is_on_its_line(each, text) and problem in each for each in told), told


def test_a_tenant_has_one_table(tmp_path: Path) -> None:
    [told] = problems(tmp_path, 2 * '[[tenants]]\nname = "acme"\n')
    assert told == "file:3: the tenant acme has a table [[tenants]] already: put everything into one"


def test_there_are_a_thousand_tables_at_most(tmp_path: Path) -> None:
    tables = "".join(f'[[tenants]]\nname = "t{number}"\n' for number in range(1001))
    assert problems(tmp_path, tables) == ["file:2001: there are more than 1000 tables [[tenants]]: remove some"]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, 'tenants = "acme"') == ["file:1: tenants must be tables, each under [[tenants]]"]
    assert "file:1: a rule of tenants must be a table under [[tenants]]" in problems(tmp_path, 'tenants = ["acme"]')
