"""The tokens that one process accepts: those that the file had when it was last looked at."""

from __future__ import annotations

import logging
from pathlib import Path

from server.access.errors import TokenError
from server.access.token_file import read_tokens
from server.access.token_uses import TokenUses
from server.access.tokens import NO_TOKENS, Tokens
from server.data_dir.file_state import FileState, file_state
from server.errors.files import reason_of
from server.retry.trouble import Trouble

__all__ = ["TokenStore"]

_logger = logging.getLogger(__name__)


class TokenStore:
    """The tokens of one process. ``refresh`` and ``write_uses`` block; ``refresh`` runs in one thread at a time."""

    def __init__(self, file: Path, uses: TokenUses) -> None:
        """Start without tokens.

        Args:
            file: the file of tokens.
            uses: where uses of tokens are noted.
        """
        self._file = file
        self._tokens = NO_TOKENS
        self._seen: FileState = None
        self._problem = ""
        self._are_for_api = False
        self._unwritten = Trouble(_logger, "last uses of tokens are not written", "last uses of tokens are written")
        self.uses = uses

    @property
    def tokens(self) -> Tokens:
        """The tokens of now; may be read in any thread."""
        return self._tokens

    @property
    def are_for_api(self) -> bool:
        """True if there has been a token for the API since the start, valid or not; may be read in any thread.

        What expires, is revoked or vanishes must not open the API to everybody on the machine.
        """
        return self._are_for_api

    def load(self) -> None:
        """Read the file.

        Raises:
            TokenError: it cannot be read, or is damaged.
        """
        state = file_state(self._file)
        self._tokens = read_tokens(self._file)
        self._seen = state
        if self._tokens.are_for_api:
            self._are_for_api = True

    def refresh(self) -> None:
        """Read the file if it has changed; if that fails, what it had before stays in force and the error is logged.

        If the file was removed, there are no tokens: whoever removes it wants nobody to get in.
        """
        if file_state(self._file) == self._seen and not self._problem:
            return
        try:
            self.load()
        except TokenError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                _logger.error("the tokens of before stay in force: %s", error)  # noqa: TRY400 - told whole
            return
        if self._problem:
            self._problem = ""
            _logger.info("the tokens could be read again")

    def write_uses(self) -> None:
        """Write the last uses of tokens; what goes wrong is logged."""
        try:
            self.uses.write()
        except OSError as error:
            self._unwritten.goes_on(reason_of(error))
            return
        self._unwritten.ends()
