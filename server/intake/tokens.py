"""The tokens of a process: read at its start, and again whenever they change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from server.access.proxy_tenants import ProxyTenants
from server.access.requirement import needs_credentials
from server.access.sender_check import SenderCheck
from server.access.token_file import tokens_path
from server.access.token_store import TokenStore
from server.access.token_uses import TokenUses
from server.process.pools import Pool
from server.settings.settings import Settings
from server.settings.values import Address

__all__ = ["api_needs_credentials", "check_senders", "open_tokens", "watch_tokens"]

_INTERVAL = 0.4  # seconds between looks: changes are effective within a second
_USES_INTERVAL = 5.0  # seconds between writes of last uses


def open_tokens(settings: Settings, process: str) -> TokenStore:
    """Read the tokens.

    Args:
        settings: the settings.
        process: name of the process among those of the server.

    Raises:
        TokenError: the file cannot be read, or it is damaged.
    """
    store = TokenStore(tokens_path(settings.data_dir, settings.tokens_file), TokenUses(settings.data_dir, process))
    store.load()
    return store


async def watch_tokens(pool: Pool, store: TokenStore) -> None:
    """Keep the tokens up to date, and write their last uses; never ends."""
    written = time.monotonic()
    while True:
        await asyncio.sleep(_INTERVAL)
        await pool.run(store.refresh)
        if time.monotonic() - written >= _USES_INTERVAL:
            await pool.run(store.write_uses)
            written = time.monotonic()


def api_needs_credentials(settings: Settings, tokens: TokenStore, address: Address) -> Callable[[], bool]:
    """Return a function that says whether calls of the API at an address need credentials now.

    With logins in use, a caller without credentials is no local one: a proxy may have let anybody through. Whoever has
    made a token for the API, or a break-glass administrator, wants to control who gets in. Tokens of senders are not
    for the API.
    """

    def are_needed() -> bool:
        in_use = settings.login.has_own_credentials or tokens.are_for_api
        return settings.login.is_used or needs_credentials(settings.authentication, address.host, in_use=in_use)

    return are_needed


def check_senders(
    settings: Settings, tokens: TokenStore, address: Address, has_room: Callable[[str], bool]
) -> SenderCheck:
    """Return the check of who sends records to an address.

    Args:
        settings: the settings.
        tokens: the tokens.
        address: the address.
        has_room: function that returns whether there may be records of a tenant that a trusted proxy names.
    """
    networks, header = settings.login.trusted_proxies, settings.login.proxy_headers.tenant
    proxies = ProxyTenants(networks, header, has_room, settings.max_tenants) if networks and header else None
    return SenderCheck(
        required=needs_credentials(settings.authentication, address.host),
        tokens=lambda: tokens.tokens,
        certificates=settings.sender_certificates,
        proxies=proxies,
        used=tokens.uses.note,
    )
