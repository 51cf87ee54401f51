"""Manifests of exports that are downloaded."""

from __future__ import annotations

import pytest

from server.api.errors import NotFoundError
from server.api.export_download import KeptManifests


def test_manifests_are_kept_for_the_latest_downloads() -> None:
    kept = KeptManifests(2)
    names = [kept.expect() for _ in range(2)]
    with pytest.raises(NotFoundError, match="not complete yet"):
        kept.get(names[0])
    for name in names:
        kept.keep(name, f"manifest {name}")
    assert kept.get(names[0]) == f"manifest {names[0]}"
    kept.expect()
    with pytest.raises(NotFoundError, match="the server keeps the manifests of its last 2 exports"):
        kept.get(names[0])
    assert kept.get(names[1]) == f"manifest {names[1]}"
