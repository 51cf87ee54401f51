"""The check of producers' signatures in a running server, which reads the keys again when it receives SIGHUP."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from server.codec.choose import build_search
from server.codec.producers.check import SignatureCheck
from server.codec.producers.native_records import native_finder
from server.codec.producers.policy import Policy
from server.errors.files import unreadable
from server.notary.errors import KeyMaterialError
from server.pipeline.pipeline import Examine
from server.settings.producers import load_producer_keys
from server.settings.settings import Settings

__all__ = ["SignaturesInForce"]

_logger = logging.getLogger(__name__)


class SignaturesInForce:
    """The policy of the settings, and the keys in force."""

    def __init__(self, settings: Settings, count: Callable[[Mapping[str, int]], object]) -> None:
        """Begin with the keys of the settings.

        Args:
            settings: the settings.
            count: called with the number of records by result.
        """
        self._keys = settings.producer_keys
        self._check: SignatureCheck | None = None
        if settings.producer_signatures is not Policy.OFF:
            is_native, has = native_finder(settings.codec), build_search(settings.codec)
            self._check = SignatureCheck(settings.producer_signatures, self._keys, count, is_native, has)
            _logger.info("producers' signatures: %s, %d keys", settings.producer_signatures.value, len(self._keys))

    @property
    def examine(self) -> Examine | None:
        """Examination of requests for the pipeline, None if there is none."""
        return self._check.examine if self._check else None

    def reload(self) -> None:
        """Read the keys again; if they cannot be read, the old ones stay in force. Blocks."""
        if self._check is None or not self._keys.paths:
            return
        try:
            keys = load_producer_keys(self._keys.paths)
        except (ValueError, OSError, KeyMaterialError) as error:
            said = unreadable(error.filename, error) if isinstance(error, OSError) and error.filename else error
            _logger.error("the producers' keys could not be reloaded, so the old ones stay in force: %s", said)  # noqa: TRY400 - told whole
            return
        if keys == self._keys:
            return
        self._check.use(keys)
        _logger.info("producers' keys were read anew: %d, before that %d", len(keys), len(self._keys))
        self._keys = keys
