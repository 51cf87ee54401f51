from __future__ import annotations

import pytest

from server.commands.export import check_command


@pytest.mark.parametrize(
    ("output", "manifest", "names"),
    [
        ("audit.csv", "audit.manifest", "audit.csv audit.manifest"),
        ("my audit.csv", "$x", "'my audit.csv' '$x'"),
        ("--json", "-m", "./--json ./-m"),
        ("-", "audit.manifest", "FILE audit.manifest"),
    ],
)
def test_the_command_that_checks_an_export_has_its_names(output: str, manifest: str, names: str) -> None:
    assert check_command(output, manifest) == f"lognotary check {names} --public-key KEY"
