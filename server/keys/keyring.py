"""The keys of all logs of a server: its own, and those of tenants whose logs have a key of their own.

A tenant's keys are in ``keys/tenants/<tenant>``, laid out like ``keys`` itself. They stay there if the server's key is
to sign the tenant's logs again: the last signature of the tenant's key is that of this change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from server.keys.known_keys import KnownKeys
from server.keys.store import KeyStore
from server.notary.signers import Signer
from server.notary.trust import TrustedKeys

__all__ = ["Keyring", "tenant_stores"]


class Keyring:
    """The key stores of a server. Their holders are the server itself, which has an empty name, and tenants."""

    def __init__(
        self,
        server: KeyStore,
        tenants: Mapping[str, KeyStore] = MappingProxyType({}),
        own: Collection[str] = (),
    ) -> None:
        """Create a keyring.

        Args:
            server: the server's store.
            tenants: stores of all tenants that have, or had, keys of their own, by tenant.
            own: tenants whose logs are to be signed with their own key; each has a store.
        """
        self.server = server
        self.tenants = tenants
        self.own = frozenset(own)

    def holder(self, tenant: str) -> str:
        """Return the holder of the keys that are to sign a tenant's logs: the tenant, or an empty name."""
        return tenant if tenant in self.own else ""

    def store(self, tenant: str) -> KeyStore:
        """Return the store with the keys that are to sign a tenant's logs."""
        return self.tenants[tenant] if tenant in self.own else self.server

    def signer(self, tenant: str = "") -> Signer:
        """Return the keys that are to sign a tenant's logs; see ``KeyStore.signer``."""
        return self.store(tenant).signer()

    def known(self, tenant: str = "") -> KnownKeys:
        """Return all keys that may have signed a tenant's logs: those of the server, and its own.

        Raises:
            KeyStoreError: a key cannot be used.
        """
        known = self.server.known()
        if tenant not in self.tenants:
            return known
        return KnownKeys(known.directory, (*self.tenants[tenant].known().keys, *known.keys))

    def trusted(self, deployment: str) -> TrustedKeys:
        """Return the public keys, those of tenants for their own logs alone, with the marks of compromised keys.

        Raises:
            KeyStoreError: a key cannot be used.
        """
        keys = self.server.trusted()
        for tenant, store in self.tenants.items():
            own = store.trusted()
            keys += TrustedKeys(of_owners={f"{deployment}/{tenant}": own.unnamed}, compromised=own.compromised)
        return keys


def tenant_stores(directory: Path, own: Collection[str], open_store: Callable[[Path], KeyStore]) -> dict[str, KeyStore]:
    """Return the stores of tenants that have keys of their own, or are to have them.

    Args:
        directory: the ``keys`` directory.
        own: tenants that are to have keys of their own.
        open_store: opens the store in a directory.
    """
    there = directory / "tenants"
    names = {*own, *(entry.name for entry in there.glob("*") if entry.is_dir())}
    return {name: open_store(there / name) for name in sorted(names)}
