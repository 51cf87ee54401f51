"""Orders to let go of a tenant's records: the server gives them to its processes that write logs, which answer.

drops/<id>/order                what is to be done
drops/<id>/answer-<writer>      what the process that writes under this name has done

An order lasts as long as a call of the API. None has to outlast the server: what was stated is in storage, and what was
not is stated when the call is repeated.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from server.data_dir.atomic_files import replace_file
from server.data_dir.errors import DataDirectoryError
from server.errors.files import unreadable, unwritable

__all__ = ["DropAnswer", "DropOrder", "DropOrders"]

_ORDER = "order"
_ANSWER = "answer-"


@dataclass(frozen=True, slots=True)
class DropOrder:
    """Order to let go of the records that the logs of a tenant have.

    Attributes:
        number: identifier of the order.
        tenant: the tenant.
    """

    number: str
    tenant: str


@dataclass(frozen=True, slots=True)
class DropAnswer:
    """Answer of a process that writes logs.

    Attributes:
        sizes: number of entries, from the first, that each of its logs of the tenant no longer protects, by origin.
        problem: reason why some logs still protect theirs; empty if there is none.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""


class DropOrders:
    """The orders of a data directory; they are files, so that all processes of a server have them."""

    def __init__(self, path: Path) -> None:
        """Use the data directory of a server."""
        self._directory = path / "drops"

    def give(self, tenant: str) -> DropOrder:
        """Give an order.

        Raises:
            DataDirectoryError: it cannot be written.
        """
        order = DropOrder(uuid4().hex, tenant)
        directory = self._directory / order.number
        try:
            directory.mkdir(parents=True)
            replace_file(directory / _ORDER, json.dumps({"tenant": tenant}), durable=False)
        except OSError as error:
            raise DataDirectoryError(unwritable(directory, error)) from error
        return order

    def open(self, writer: str) -> list[DropOrder]:
        """Return the orders that a writer has not answered yet.

        Raises:
            DataDirectoryError: an order cannot be read.
        """
        found = []
        for file in sorted(self._directory.glob(f"*/{_ORDER}")):
            if (file.parent / f"{_ANSWER}{writer}").exists():
                continue
            try:
                found.append(DropOrder(file.parent.name, str(json.loads(file.read_text())["tenant"])))
            except FileNotFoundError:
                continue  # the call has ended
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DataDirectoryError(unreadable(file, error)) from error
        return found

    def answer(self, order: DropOrder, writer: str, answer: DropAnswer) -> None:
        """Answer an order; if the call has ended, nobody needs the answer.

        Raises:
            DataDirectoryError: the answer cannot be written.
        """
        file = self._directory / order.number / f"{_ANSWER}{writer}"
        try:
            replace_file(file, json.dumps(asdict(answer)), durable=False)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DataDirectoryError(unwritable(file, error)) from error

    def answers(self, order: DropOrder) -> dict[str, DropAnswer]:
        """Return the answers so far, by the name of the writer.

        Raises:
            DataDirectoryError: an answer cannot be read.
        """
        found = {}
        for file in sorted((self._directory / order.number).glob(f"{_ANSWER}*")):
            try:
                found[file.name.removeprefix(_ANSWER)] = DropAnswer(**json.loads(file.read_text()))
            except (OSError, ValueError, TypeError) as error:
                raise DataDirectoryError(unreadable(file, error)) from error
        return found

    def end(self, order: DropOrder) -> None:
        """Take an order back."""
        shutil.rmtree(self._directory / order.number, ignore_errors=True)

    def end_all(self) -> None:
        """Take back what calls of an earlier process have left."""
        shutil.rmtree(self._directory, ignore_errors=True)
