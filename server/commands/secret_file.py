"""Files for secrets that are shown once: written before the secret takes effect, in place only if it does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from server.commands.file_owner import act_as_caller
from server.errors.files import unwritable
from server.settings.errors import ConfigError

__all__ = ["secret_file"]


@contextmanager
def secret_file(file: Path) -> Iterator[Callable[[str], None]]:
    """Give a function that writes the new content of a file; the file is replaced at the end.

    The file, which only its owner can read (mode 0600), stays as it is if an exception ends the context: a shell that
    redirects output to it would have emptied it.

    Args:
        file: the file; if it is a link, the file to which it leads.

    Raises:
        ConfigError: it cannot be written.
    """
    if file.exists() and not file.is_file():
        raise ConfigError(f"{file} cannot be written: it is not a regular file; name a new file, or one to replace")
    try:
        file = file.resolve()
        temporary = file.with_name(f".{file.name}.new")
        temporary.unlink(missing_ok=True)  # a crash may have left it
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except (OSError, RuntimeError) as error:  # the latter: links that lead to each other
        raise ConfigError(unwritable(file, error)) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:

        def write(text: str) -> None:
            try:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            except OSError as error:
                raise ConfigError(unwritable(file, error)) from error

        try:
            yield write
        except BaseException:
            act_as_caller()
            temporary.unlink(missing_ok=True)
            raise
    act_as_caller()
    try:
        temporary.replace(file)
    except OSError as error:
        raise ConfigError(f"{unwritable(file, error)}; its new content is in {temporary}") from error
