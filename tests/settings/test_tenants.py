"""Settings of the limits of tenants."""

from __future__ import annotations

import pytest

from server.admission.tenant_limits import NO_LIMITS, TenantLimits
from server.settings.settings import ConfigError, load_settings


def test_without_settings_no_tenant_has_a_limit() -> None:
    settings = load_settings({}, {})
    assert (settings.tenant_default, settings.tenant_limits) == (NO_LIMITS, {})


def test_limits_of_all_tenants_and_of_some_are_read() -> None:
    flags = {
        "tenant_bytes": "1MiB",
        "tenant_records": "1000",
        "tenant_keys": "500",
        "tenant_limits": "acme:bytes=10MiB:keys=50, umbrella, :records=5",
    }
    settings = load_settings(flags, {})
    assert settings.tenant_default == TenantLimits(1 << 20, 1000, 500)
    assert settings.tenant_limits == {
        "acme": TenantLimits(size=10 << 20, keys=50),
        "umbrella": NO_LIMITS,
        "": TenantLimits(records=5),
    }


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"tenant_bytes": "many"}, "--tenant-bytes: "),
        ({"tenant_limits": "a/b:records=1"}, "--tenant-limits: 'a/b' is not the name of a tenant"),
        ({"tenant_limits": "audit:records=1"}, "'audit' cannot be the name of a tenant"),
        ({"tenant_limits": "acme:record=1"}, "did you mean 'records'"),
        ({"tenant_limits": "acme:records"}, "write each limit once, such as records=100"),
        ({"tenant_limits": "acme:records=1:records=2"}, "write each limit once"),
        ({"tenant_limits": "acme:records=0"}, "--tenant-limits: "),
        ({"tenant_limits": "acme:records=1, acme:keys=2"}, "the tenant 'acme' has limits already"),
    ],
)
def test_limits_that_cannot_be_read_are_named(flags: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_settings(flags, {})
    assert said in str(error.value)
