"""Settings as people may see them: each value without secrets, with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from server.errors.amounts import typed_size
from server.settings.hidden import hide_secrets
from server.settings.sources import Given, Origin
from storage.url import StorageUrl

__all__ = ["ShownSetting", "computed_defaults", "shown_settings"]


@dataclass(frozen=True, slots=True)
class ShownSetting:
    """A setting, without secrets.

    Attributes:
        name: its name.
        value: its value, as it would be typed; of one that has a computed default, what was computed.
        origin: source of the value: option, variable, file or default.
        place: where exactly: the option, the variable, or the file with the line and the name.
    """

    name: str
    value: str
    origin: str
    place: str


def computed_defaults(storage: StorageUrl, memory_limit: int) -> Mapping[str, str]:
    """Return the values of settings whose default depends on other settings or on the machine, by name."""
    return {"storage": str(storage), "memory_limit": typed_size(memory_limit)}


def shown_settings(values: Mapping[str, Given], computed: Mapping[str, str]) -> tuple[ShownSetting, ...]:
    """Return all settings as people may see them.

    Args:
        values: value of each setting, by name.
        computed: defaults that were computed, by the names of their settings.
    """
    return tuple(
        ShownSetting(name, hide_secrets(name, _text(name, given, computed)), given.origin.value, given.place)
        for name, given in values.items()
    )


def _text(name: str, given: Given, computed: Mapping[str, str]) -> str:
    return computed.get(name, "") if given.origin is Origin.DEFAULT and not given.text else given.text
