from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.softhsm import SoftToken, soft_token


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftToken]:
    """A PKCS #11 token without keys."""
    with soft_token(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"
