"""Output through a pager."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable

from server.commands.output import printable_lines, say

__all__ = ["say_paged"]

_DEFAULT = "less"
_LESS = "FRX"  # quit if all fits on the screen, let colours pass, leave the screen as it is


def say_paged(lines: Iterable[str], *, pager: bool = True) -> None:
    """Print lines for people; on a terminal that has too few rows for them, through $PAGER (default: less).

    Args:
        lines: the lines, as for ``say``.
        pager: False to use no pager.
    """
    shown = list(lines)
    command = shlex.split(os.environ.get("PAGER", _DEFAULT)) if pager and _is_interactive() else []
    rows = shutil.get_terminal_size().lines
    if len(shown) < rows or not command or command == ["cat"] or not shutil.which(command[0]):
        say(*shown)
        return
    text = "\n".join(printable_lines(shown, sys.stdout)) + "\n"
    environment = {"LESS": _LESS, "LESSCHARSET": "utf-8", **os.environ}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
        try:
            process.communicate(text.encode("utf-8", "backslashreplace"))
        except (BrokenPipeError, KeyboardInterrupt):
            process.wait()  # its reader has seen enough; the pager restores the terminal


def _is_interactive() -> bool:
    return sys.stdout.isatty() and sys.stdin.isatty()
