"""The tenant of a log, and what the server remembers of the logs of tenants."""

from __future__ import annotations

import pytest

from server.access.tenants import tenant_of_log, tenants_of_logs
from server.api.remembered import visible_checkpoints
from server.notary.checkpoint import Checkpoint
from storage.bound import ReadScope, reading_as, unlimited


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("shop/audit/node-1", ""),
        ("shop/alpha/audit/node-1", "alpha"),
        ("shop/eu/alpha/audit/node-1", None),
        ("shopping/audit/node-1", None),
        ("other/alpha/audit/node-1", None),
        ("alpha/audit/node-1", None),
        ("shop", None),
        ("", None),
    ],
)
def test_the_tenant_is_the_part_after_the_deployment(origin: str, expected: str | None) -> None:
    assert tenant_of_log(origin, "shop") == expected


def test_the_deployment_may_have_parts() -> None:
    assert tenant_of_log("shop/eu/audit/node-1", "shop/eu") == ""
    assert tenant_of_log("shop/eu/alpha/audit/node-1", "shop/eu") == "alpha"


def test_tenants_that_have_only_an_access_log_are_not_tenants_of_logs() -> None:
    origins = (
        "shop/audit/n",
        "shop/access/n",
        "shop/alpha/audit/n",
        "shop/alpha/access/n",
        "shop/ghost/access/n",
        "shop/bravo/spans/n-2",
        "else/other/audit/n",
        "nothing",
    )
    assert tenants_of_logs(origins, "shop") == {"alpha", "bravo"}


def test_a_caller_of_a_tenant_knows_of_the_checkpoints_of_its_logs_only() -> None:
    own, other, default, foreign = (
        Checkpoint(origin, 1, b"\0" * 32)
        for origin in ("shop/alpha/audit/n", "shop/bravo/audit/n", "shop/audit/n", "else/audit/n")
    )
    visible = visible_checkpoints(lambda: [own, other, default, foreign], "shop")
    with reading_as(ReadScope.of({}, frozenset({"alpha"}))):
        assert visible() == [own]
    with reading_as(ReadScope.of({}, frozenset({"", "bravo"}))):
        assert visible() == [other, default]
    with unlimited():
        assert len(visible()) == 4
    assert len(visible()) == 4
