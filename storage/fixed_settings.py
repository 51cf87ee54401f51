"""Settings of a user who may not send any (readonly = 1): instead of being sent, they are checked.

The check asks for the values without a table: a profile that filters or cuts answers makes its answer empty, which is
noticed. It runs after each query and before its answer is used, because a profile can change at any time.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from storage.errors import SettingRefusedError
from storage.read_settings import FULL_SCAN, PINNED, settings_clause, without_unknown
from storage.roles import quoted
from storage.rowbinary import text
from storage.url import ServerUrl, StorageUrl

__all__ = ["FixedSettings"]

_BOOLEANS = {"true": "1", "false": "0"}


@dataclass(frozen=True, slots=True)
class FixedSettings:
    """Settings that must have certain values in the profile of a user.

    Attributes:
        user: name of the user.
        wanted: setting -> value, for all that this version of ClickHouse knows.
    """

    user: str
    wanted: Mapping[str, str | int]

    @classmethod
    def of(
        cls,
        client: Client,
        url: StorageUrl,
        unknown_setting: Callable[[DatabaseError, Mapping[str, str | int]], str | None],
    ) -> FixedSettings:
        """Check the settings of a client's user.

        Args:
            client: the client.
            url: the client's storage.
            unknown_setting: returns the setting that an error says is unknown, None if the error is another.

        Raises:
            SettingRefusedError: a setting has another value; the message names all of them.
            DatabaseError: ClickHouse does not answer.
        """
        user = url.username if isinstance(url, ServerUrl) else ""

        def unknown(settings: Mapping[str, str | int]) -> str | None:
            try:
                cls(user, settings).check(client)
            except DatabaseError as error:
                name = unknown_setting(error, settings)
                if name is None:
                    raise
                return name
            return None

        return cls(user, without_unknown({**PINNED, **FULL_SCAN}, unknown))

    def check(self, client: Client) -> None:
        """Check that the settings have their values now. Raises as ``of``."""
        nonce = secrets.token_hex(8)  # no cached answer has it
        values = ", ".join(f"toString(getSetting('{name}'))" for name in self.wanted)
        answer = client.raw_query(f"SELECT '{nonce}', {values}", fmt="RowBinary")
        found = _texts(answer)
        if len(found) != len(self.wanted) + 1 or found[0] != nonce:
            self._refuse("they filter or cut answers, so that even the answer about the settings is not whole")
        different = [
            f"{name} is {is_ or 'empty'} and must be {wanted if wanted != '' else 'empty'}"
            for (name, wanted), is_ in zip(self.wanted.items(), found[1:], strict=True)
            if _BOOLEANS.get(is_, is_) != str(wanted)
        ]
        if different:
            self._refuse("; ".join(different))

    def without(self, settings: Mapping[str, str | int] | None) -> dict[str, str | int]:
        """Return the settings of a query without those that ``check`` covers."""
        return {name: value for name, value in (settings or {}).items() if self.wanted.get(name) != value}

    def _refuse(self, difference: str) -> None:
        user = quoted(self.user)
        raise SettingRefusedError(
            f"the user {self.user!r} of ClickHouse may not send settings (readonly = 1), and the user's own settings "
            f"do not let answers rest on all rows: {difference}. Let an administrator run ALTER USER {user} SETTINGS "
            f"readonly = 2, with which the user still changes nothing; or ALTER USER {user} SETTINGS readonly = 1, "
            f"{settings_clause(self.wanted)}"
        )


def _texts(answer: bytes) -> list[str]:
    found, at = [], 0
    while at < len(answer):
        value, at = text(answer, at)
        found.append(value)
    return found
