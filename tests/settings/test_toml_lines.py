"""Problems of the settings file name the line of the key that is wrong, in the order of the lines."""

from __future__ import annotations

from server.settings.toml_lines import Lines, in_order

TEXT = """writer = "a"

[[tenants]]
name = "acme"
own_keys = true

[[tenants]]
name = "b/c"
"""


def test_a_problem_of_a_table_gets_the_line_of_its_key() -> None:
    problems = [
        "f:7: name: 'b/c' is not the name of a tenant",
        "f:3: unknown setting own_keys in [[tenants]]",
        "f:3: timestamps = true needs the setting timestamp_authority",
        "f:1: writer: no",
        "--storage: no",
    ]
    assert in_order(problems, "f", Lines(TEXT)) == [
        "--storage: no",
        "f:1: writer: no",
        "f:3: timestamps = true needs the setting timestamp_authority",
        "f:5: unknown setting own_keys in [[tenants]]",
        "f:8: name: 'b/c' is not the name of a tenant",
    ]


def test_without_a_settings_file_problems_stay_as_they_are() -> None:
    assert in_order(["b: no", "a: no"], "", Lines("")) == ["b: no", "a: no"]
