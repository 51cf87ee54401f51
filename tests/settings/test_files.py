"""Settings files as programs and people leave them: no files at all, endless ones, marks, and numbers too large."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.settings.errors import ConfigError
from server.settings.settings import load_settings, reread_rules

RULE = '[[audit.rules]]\nname = "{}"\nmatch = {{ service = "x" }}\n'


def problem(file: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        reread_rules(str(file))
    return str(raised.value)


def test_a_settings_file_must_be_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    for name in ("pipe", "endless"):
        file = tmp_path / name
        assert problem(file) == f"the settings file: {file} cannot be read: it is not a regular file"
    assert problem(tmp_path) == f"the settings file: {tmp_path} is a directory: name a file"


def test_a_settings_file_has_a_largest_size(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text("# " + "x" * (4 << 20))
    assert problem(file) == f"the settings file: {file} cannot be read: it is larger than 4 MiB"


def test_a_byte_order_mark_and_carriage_returns_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_bytes(b"\xef\xbb\xbf" + ('deployment = "shop"\n' + RULE.format("mine")).replace("\n", "\r\n").encode())
    settings = load_settings({"config": str(file)}, {})
    assert settings.deployment == "shop"
    assert settings.audit_rules[0].name == "mine"


@pytest.mark.parametrize(
    "number", ["1" * 5000, "-" + "9" * 5000, "0x" + "f" * 5000, "0b1" + "0" * 64, "9_223_372_036_854_775_808"]
)
def test_a_number_of_more_than_64_bits_is_named_by_its_line(tmp_path: Path, number: str) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text(f'# {number}\ndeployment = "{number} shops" # {number}\nlist = [[{{ a = {number} }}]]\n')
    assert problem(file) == f"{file}:3: a number of TOML has at most 64 bits: from -2^63 to 2^63-1"


def test_a_huge_number_whose_line_is_not_found_is_refused_too(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text(f'text = """\n"a """\nnumber = [{"1" * 30}] # "\n'.replace('"a', "'a'"))
    assert "a number of TOML has at most 64 bits" in problem(file)


def test_the_largest_numbers_of_toml_are_read(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text("[a]\nfirst = -9223372036854775808\nsecond = 0x7fff_ffff_ffff_ffff\nthird = 1e400\n")
    assert reread_rules(str(file))


def test_a_rule_name_has_a_largest_size_and_several_rules_may_have_one_name(tmp_path: Path) -> None:
    file = tmp_path / "lognotary.toml"
    file.write_text(RULE.format("x" * 256) * 2)
    assert [rule.name for rule in reread_rules(str(file))[:2]] == ["x" * 256] * 2
    file.write_text(RULE.format("x") + RULE.format("é" * 129))
    named = f"audit rule 2 has a name of more than 256 bytes: '{'é' * 40}' …"
    assert problem(file) == f"{file}:4: {named}"
