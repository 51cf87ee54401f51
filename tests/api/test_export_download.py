"""Manifests of exports that are downloaded."""

from __future__ import annotations

import pytest

from server.api.errors import InvalidArgumentError, NotFoundError
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


def test_a_name_that_the_caller_chose_is_used_once() -> None:
    kept = KeptManifests()
    name = "0123456789abcdef" * 2
    assert kept.expect(name) == name
    with pytest.raises(InvalidArgumentError, match="another export has this name"):
        kept.expect(name)
    kept.keep(name, "manifest")
    assert kept.get(name) == "manifest"


@pytest.mark.parametrize(
    ("reason", "message"), [("the query is too long", "the query is too long"), ("", "error of the")]
)
def test_a_failed_export_says_why_it_has_no_manifest(reason: str, message: str) -> None:
    kept = KeptManifests()
    name = kept.expect()
    kept.fail(name, reason)
    with pytest.raises(NotFoundError, match=f"the export failed, so it has no manifest: .*{message}"):
        kept.get(name)
