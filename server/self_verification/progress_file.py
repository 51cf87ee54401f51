"""Where a walk is, in a file, so that the next process goes on there."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from server.data_dir.atomic_files import replace_file

__all__ = ["ScrubProgress", "read_progress", "write_progress"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScrubProgress:
    """Where a walk is.

    Attributes:
        elapsed: seconds since it began, those apart in which no server ran.
        origin: the log that it has come to; those before it, in the order of their names, are done.
        leaf: the first leaf of that log that is not done.
        note: the last signed checkpoint before that leaf that was found good, empty where none was.
        recorded: key -> kind of the findings that stand and are on record.
        seen: keys of those that were found in this walk.
    """

    elapsed: float = 0.0
    origin: str = ""
    leaf: int = 0
    note: str = ""
    recorded: Mapping[str, str] = field(default_factory=dict)
    seen: Sequence[str] = ()


def read_progress(file: Path) -> ScrubProgress:
    """Read a bookmark; a new one where there is none, or where it cannot be read."""
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        return ScrubProgress(
            elapsed=float(read["elapsed"]),
            origin=str(read["origin"]),
            leaf=int(read["leaf"]),
            note=str(read["note"]),
            recorded={str(key): str(kind) for key, kind in read["recorded"].items()},
            seen=[str(key) for key in read["seen"]],
        )
    except FileNotFoundError:
        return ScrubProgress()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _logger.warning("%s cannot be read (%s): self-verification starts over", file, error)
        return ScrubProgress()


def write_progress(file: Path, bookmark: ScrubProgress) -> None:
    """Replace a bookmark; where a crash loses that, some is verified, and told, once more.

    Raises:
        OSError: it cannot be written.
    """
    replace_file(file, json.dumps(asdict(bookmark)) + "\n", durable=False)
