"""The tenants whose logs are signed with keys of their own, as far as the settings or the data directory tell."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from server.keys.in_force import keys_in_force
from server.keys.keyring import tenant_stores
from server.keys.store import KeyStore, StoredKey
from server.notary.keys import KeyType
from server.notary.origin import LogName
from server.settings.settings import Settings
from server.settings.tenant_rules import tenants_with_keys

__all__ = ["stores_of_tenants", "tenants_that_sign"]


def stores_of_tenants(settings: Settings) -> dict[str, KeyStore]:
    """Return the stores of all tenants that have, or had, keys of their own in the data directory."""
    return tenant_stores(settings.data_dir / "keys", (), partial(KeyStore, ml_dsa=settings.ml_dsa))


def tenants_that_sign(settings: Settings, notes: Sequence[str]) -> frozenset[str]:
    """Return the tenants whose logs are signed with keys of their own.

    The settings say it. A tenant without a table in them counts if a key of its own signs one of its logs: a command
    is often run without the server's settings file, where the tables are.

    Args:
        settings: the settings.
        notes: the last signed checkpoint and the last statement of each log.

    Raises:
        KeyStoreError: a key cannot be used.
    """
    named = {rule.name for rule in settings.tenants}
    own = set(tenants_with_keys(settings.tenants))
    for tenant, store in stores_of_tenants(settings).items():
        if tenant not in named:
            keys = {key.fingerprint: key.public_key for key in _ed25519(store)}
            signers = keys_in_force(notes, keys.values())
            signed = (origin for origin, names in signers.items() if not names.isdisjoint(keys))
            own |= {tenant} & {LogName.parse(origin, settings.deployment).tenant for origin in signed}
    return frozenset(own)


def _ed25519(store: KeyStore) -> list[StoredKey]:
    keys = store.keys()
    return [key for key in keys if key.algorithm == KeyType.ED25519.algorithm]
