"""Names of logs: with and without a tenant."""

from __future__ import annotations

import pytest

from server.notary.errors import MalformedError
from server.notary.origin import NO_OWNER, WHOLE_SERVER, LogName, LogOwner, Stream


@pytest.mark.parametrize("tenant", ["", "acme"])
@pytest.mark.parametrize("deployment", ["shop", "shop/eu"])
def test_an_origin_is_read_back_with_its_deployment(deployment: str, tenant: str) -> None:
    name = LogName(deployment, Stream.SPANS, "vm-1", tenant)
    read = LogName.parse(name.origin, deployment)
    assert (read.deployment, read.tenant, read.stream, read.writer) == (deployment, tenant, Stream.SPANS, "vm-1")


def test_an_origin_of_another_deployment_has_no_tenant() -> None:
    read = LogName.parse("shopping/acme/audit/vm", "shop")
    assert (read.deployment, read.tenant) == ("shopping/acme", "")


def test_names_with_one_origin_are_equal() -> None:
    name = LogName("shop", Stream.AUDIT, "vm", "acme")
    assert name == LogName.parse(name.origin)
    assert len({name, LogName.parse(name.origin)}) == 1
    assert name != LogName("shop", Stream.AUDIT, "vm")
    assert name != name.origin


@pytest.mark.parametrize("tenant", ["a/b", "a b", "ä"])
def test_a_tenant_that_would_change_the_parts_of_an_origin_is_refused(tenant: str) -> None:
    with pytest.raises(MalformedError, match="tenant"):
        LogName("shop", Stream.AUDIT, "vm", tenant)


def test_an_access_log_has_audit_records_and_an_origin_of_its_own() -> None:
    for tenant in ("", "acme"):
        name = LogName("shop", Stream.AUDIT, "vm", tenant, access=True)
        read = LogName.parse(name.origin, "shop")
        assert (read.stream, read.tenant, read.access) == (Stream.AUDIT, tenant, True)
        assert name.origin.split("/")[-2] == "access"
        assert name != LogName("shop", Stream.AUDIT, "vm", tenant)
    with pytest.raises(MalformedError, match="access"):
        LogName("shop", Stream.SPANS, "vm", access=True)


def test_the_owner_of_a_log_is_its_tenant_and_whether_it_has_records_of_access() -> None:
    assert LogName("shop", Stream.SPANS, "vm").owner == NO_OWNER
    assert LogName("shop", Stream.AUDIT, "vm", "acme", access=True).owner == LogOwner("acme", access=True)


def test_records_of_who_looked_at_the_whole_server_are_not_those_of_the_default_tenant() -> None:
    assert LogName("shop", Stream.AUDIT, "vm").owner.stored_tenant == ""
    assert LogName("shop", Stream.AUDIT, "vm", access=True).owner.stored_tenant == WHOLE_SERVER
    assert LogName("shop", Stream.AUDIT, "vm", "acme", access=True).owner.stored_tenant == "acme"
    with pytest.raises(MalformedError, match="tenant"):
        LogName("shop", Stream.AUDIT, "vm", WHOLE_SERVER)
