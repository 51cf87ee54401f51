"""Tenants that trusted proxies name in a header, for the records that pass through them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from server.access.errors import ForbiddenError
from server.access.proxies import Network, is_in, is_removed
from server.access.senders import ANONYMOUS, PROXY, Sender
from server.access.tenants import DEFAULT_TENANT, check_tenant
from server.notary.errors import MalformedError

__all__ = ["ProxyTenants"]


@dataclass(frozen=True, slots=True)
class ProxyTenants:
    """The header with a tenant, and who is believed it.

    Attributes:
        networks: networks of the trusted proxies.
        header: lower-case name of the header.
        has_room: function that returns whether there may be records of a tenant: it has some already, or the server has
            fewer tenants than it may have.
        most: number of tenants that the server may have.
    """

    networks: tuple[Network, ...]
    header: str
    has_room: Callable[[str], bool] = lambda _: True
    most: int = 0

    def trusts(self, address: str) -> bool:
        """Return whether a trusted proxy has an IP address."""
        return is_in(address, self.networks)

    def check_connection(self, values: Sequence[str]) -> None:
        """Check that a request does not have the header removed, so that its records would belong to another tenant.

        Args:
            values: all values of the header ``Connection``.

        Raises:
            MalformedError: the header ``Connection`` names the header with the tenant.
        """
        if is_removed(values, (self.header,)):
            raise MalformedError(f"Connection names {self.header}, which proxies would then remove: leave it out there")

    def named(self, values: Sequence[str], sender: Sender, *, trusted: bool) -> Sender:
        """Return a sender with the tenant that the header names.

        A tenant that the sender's own credentials are bound to counts more than the header, which must agree then.

        Args:
            values: all values of the header, at least one.
            sender: the sender by its own credentials; ``ANONYMOUS`` without any.
            trusted: True if the request comes from a trusted proxy.

        Raises:
            ForbiddenError: the header contradicts the credentials, or does not come from a trusted proxy; or there are
                as many tenants as there may be.
            MalformedError: a trusted proxy names no tenant, or several.
        """
        if not trusted:
            # If it were ignored, records of one tenant would be signed as those of another, unnoticed. To name the
            # tenant that one belongs to anyway does no harm: many senders do.
            if all(value.strip() == sender.tenant for value in values):
                return sender
            raise ForbiddenError(
                f"the header {self.header} is believed from trusted proxies only (trusted_proxies): send through one, "
                "leave the header out, or use credentials of this tenant"
            )
        if len(values) > 1:
            raise MalformedError(f"the header {self.header} was sent {len(values)} times: it must name one tenant")
        tenant = check_tenant(values[0].strip())
        if sender.tenant not in (DEFAULT_TENANT, tenant):
            raise ForbiddenError(f"the header {self.header} names another tenant than the credentials")
        if sender.tenant == DEFAULT_TENANT and not self.has_room(tenant):
            raise ForbiddenError(
                f"the server has {self.most} tenants, as many as it may have (max_tenants), and this is another one"
            )
        return replace(PROXY if sender == ANONYMOUS else sender, tenant=tenant)
