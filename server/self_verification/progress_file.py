"""Progress file of a pass, from which the next process continues."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from server.data_dir.atomic_files import replace_file
from server.errors.files import reason_of

__all__ = ["ScrubProgress", "read_progress", "write_progress"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScrubProgress:
    """Progress of a pass.

    Attributes:
        elapsed: seconds since the pass began, not counting downtime of the server.
        origin: the current log; logs before it, in the order of their names, are done.
        leaf: the first leaf of that log that is not verified yet.
        note: the last verified signed checkpoint before that leaf, empty if there is none.
        recorded: key -> kind of the current findings that are recorded.
        seen: keys of the recorded findings that were found in this pass.
    """

    elapsed: float = 0.0
    origin: str = ""
    leaf: int = 0
    note: str = ""
    recorded: Mapping[str, str] = field(default_factory=dict)
    seen: Sequence[str] = ()


def read_progress(file: Path) -> ScrubProgress:
    """Read a progress file; new progress if the file is missing or cannot be read."""
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
        _logger.warning("%s cannot be read (%s): self-verification starts over", file, reason_of(error))
        return ScrubProgress()


def write_progress(file: Path, progress: ScrubProgress) -> None:
    """Replace a progress file; if a crash loses the update, some work and reports are repeated.

    Raises:
        OSError: the file cannot be written.
    """
    replace_file(file, json.dumps(asdict(progress)) + "\n", durable=False)
