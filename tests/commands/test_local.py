"""What commands read directly: files that are named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.commands.local import read_public_keys
from server.settings.errors import ConfigError


@pytest.mark.parametrize("text", ["", "nonsense", "-----BEGIN PUBLIC KEY-----"])
def test_a_damaged_file_of_public_keys_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(text)
    with pytest.raises(ConfigError, match=f"^{file} is not a file of public keys, or is damaged: "):
        read_public_keys(str(file))
