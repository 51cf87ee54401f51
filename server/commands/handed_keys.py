"""The public keys that whoever gets the evidence of one tenant needs, without any name of another tenant."""

from __future__ import annotations

from server.access.tenants import DEFAULT_TENANT
from server.errors.suggestions import did_you_mean
from server.escaping.visible import visible
from server.keys.identity import key_store
from server.notary.export_manifest import KEY_NAME
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from server.settings.settings import ConfigError, Settings

__all__ = ["keys_to_hand_over"]


def keys_to_hand_over(settings: Settings, tenant: str) -> list[VerifierKey]:
    """Return the published keys of a tenant's logs, and the server's key of manifests of exports.

    The server signs the manifests of all tenants, also of those whose logs have a key of their own.

    Args:
        settings: the server's settings.
        tenant: the tenant; empty for the default one.

    Raises:
        ConfigError: the tenant has no logs, or no key was published yet.
        KeyStoreError: a key cannot be used.
    """
    store = key_store(settings)
    logs = {key: LogName.parse(key.name, settings.deployment) for key in store.published_keys()}
    public = store.published()
    own = [key for key, name in logs.items() if name.owner.stored_tenant == tenant]
    if own and public is not None:
        return [*own, VerifierKey(KEY_NAME, public)]
    if not logs:
        raise ConfigError(
            f"no keys were published in {settings.data_dir / 'keys'} yet: the server does this at its first start"
        )
    tenants = sorted({name.tenant for name in logs.values()} - {DEFAULT_TENANT})
    raise ConfigError(
        f"the tenant {visible(tenant)} has no logs here{did_you_mean(tenant, tenants)} "
        f"(tenants that have: {', '.join(map(visible, tenants)) or 'none'}). Its logs begin with its first record"
    )
