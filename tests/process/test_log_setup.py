"""The server's own log, as text and as JSON lines."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest

from server.process.log_setup import configure_logging


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Configures the root logger, which then is as in a process that has just begun."""
    root = logging.getLogger()
    level = root.level

    def configure(*arguments: str, worker: int | None) -> None:
        monkeypatch.setattr(root, "handlers", [])  # pytest adds its own after fixtures have run
        configure_logging(*arguments, worker=worker)

    yield configure
    root.setLevel(level)


@pytest.mark.parametrize("worker", [None, 3])
def test_json_lines_are_objects_with_what_is_known(
    configure: Callable[..., None], worker: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("info", "json", worker=worker)
    logging.getLogger("server.app").info("listens on %s", "port 1")
    logging.getLogger("server.app").debug("not this")
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("server.app").exception("it failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert (first["level"], first["logger"], first["message"]) == ("INFO", "server.app", "listens on port 1")
    assert first.get("worker") == worker
    assert first["time"].endswith("+00:00")
    assert "two\\nlines" in second["exc_info"]


@pytest.mark.parametrize(("worker", "source"), [(None, "server.app"), (3, "worker 3 server.app")])
def test_text_names_the_source(
    configure: Callable[..., None], worker: int | None, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("warning", worker=worker)
    logging.getLogger("server.app").info("not this")
    logging.getLogger("server.app").warning("waits")
    written = capsys.readouterr().err.rstrip()
    assert written.endswith(f"WARNING {source}: waits")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d WARNING ", written)


def test_text_is_one_line_for_each_record_and_has_no_control_characters(
    configure: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    configure("warning", worker=None)
    logging.getLogger("server.app").warning("the log %s waits", "a\n2026 ERROR root: all is lost\x1b[2J\u202e")
    try:
        _ = dict[str, str]()["two\nERROR lines\x1b[2J"]
    except KeyError:
        logging.getLogger("server.app").exception("it failed %s", "x" * 100_000)
    first, second, *traceback = capsys.readouterr().err.splitlines()
    assert first.endswith(r"the log a\n2026 ERROR root: all is lost\x1b[2J\u202e waits")
    assert len(second) < 5000
    assert traceback[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in traceback)
    assert traceback[-1] == r"    KeyError: 'two\nERROR lines\x1b[2J'"
