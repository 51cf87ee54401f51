"""Check of the settings of a user who may not change any (readonly = 1).

ClickHouse accepts a setting from such a user if it has that value already. So the pinned settings are sent with
everything here too, and a profile that says otherwise, now or later, is refused. This check names all settings that
differ, where ClickHouse names only the first. It asks for the values without a table: settings that filter or cut
answers make its answer empty, which is noticed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from storage.errors import SettingRefusedError
from storage.read_settings import settings_clause, without_unknown
from storage.roles import quoted
from storage.rowbinary import text

__all__ = ["check_settings"]

_BOOLEANS = {"true": "1", "false": "0"}

_UnknownSetting = Callable[[DatabaseError, Mapping[str, str | int]], str | None]


def check_settings(
    client: Client, user: str, settings: Mapping[str, str | int], unknown_setting: _UnknownSetting
) -> None:
    """Check that settings have certain values.

    Args:
        client: client of the user.
        user: name of the user.
        settings: settings, and the values that they must have; those that ClickHouse does not know are left out.
        unknown_setting: returns the setting that an error says is unknown, None if the error is another.

    Raises:
        SettingRefusedError: some settings have other values; the message names all of them, and what to do.
        DatabaseError: ClickHouse does not answer.
    """
    found: list[str] = []

    def unknown(known: Mapping[str, str | int]) -> str | None:
        try:
            found[:] = _ask(client, known)
        except DatabaseError as error:
            name = unknown_setting(error, known)
            if name is None:
                raise
            return name
        return None

    known = without_unknown(settings, unknown)
    if len(found) != len(known):
        raise _refusal(user, "they filter or cut answers, even the answer about themselves", {})
    different = {
        name: (is_, wanted)
        for (name, wanted), is_ in zip(known.items(), found, strict=True)
        if _BOOLEANS.get(is_, is_) != str(wanted)
    }
    if different:
        listed = ", ".join(f"{name} is {is_!r} and must be {wanted!r}" for name, (is_, wanted) in different.items())
        raise _refusal(user, listed, {name: wanted for name, (_, wanted) in different.items()})


def _ask(client: Client, settings: Mapping[str, str | int]) -> list[str]:
    """Return the values of settings; nothing if the answer is not whole."""
    nonce = secrets.token_hex(8)  # no cached answer has it
    values = ", ".join(f"toString(getSetting('{name}'))" for name in settings)
    answer = client.raw_query(f"SELECT '{nonce}', {values}", fmt="RowBinary")
    found, at = [], 0
    while at < len(answer):
        value, at = text(answer, at)
        found.append(value)
    return found[1:] if found[:1] == [nonce] else []


def _refusal(user: str, difference: str, settings: Mapping[str, str | int]) -> SettingRefusedError:
    strict = f"; or ALTER USER {quoted(user)} SETTINGS readonly = 1, {settings_clause(settings)}" if settings else ""
    return SettingRefusedError(
        f"the user {user!r} of ClickHouse may not change settings (readonly = 1), and its settings do not let answers "
        f"rest on all rows: {difference}. Let an administrator run ALTER USER {quoted(user)} SETTINGS readonly = 2, "
        f"with which the user still changes no data{strict}"
    )
