"""A real OpenTelemetry Collector in front of the backend, with its retries and queues."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.bound_process import BoundProcess
from harness.collector_binaries import CollectorUnavailableError, built_collector

_READY = "Everything is ready."

# Merged under the test's own configuration. A Collector serves its metrics on a fixed port unless told not
# to, and the second one on a machine would fail on it.
_DEFAULTS = {"service": {"telemetry": {"metrics": {"level": "none"}}}}


class Collector:
    """One Collector process with a directory for its configuration, log and storage.

    ``config`` is YAML text or an equivalent mapping; it must leave the Collector's own log at level info,
    which shows when it is ready. ``binary`` is the built Collector unless another is given.
    """

    def __init__(self, config: Mapping[str, object] | str, directory: Path, *, binary: Path | None = None) -> None:
        self.directory = directory.resolve()
        self._config = config
        self._process = BoundProcess(
            [str(binary or built_collector()), "--config=defaults.yaml", "--config=config.yaml"],
            log=self.directory / "collector.log",
            cwd=self.directory,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Start the Collector and wait until it is ready.

        Raises:
            CollectorUnavailableError: the Collector exits, or is not ready in time; the message has the end of its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        text = self._config if isinstance(self._config, str) else json.dumps(self._config, indent=2)
        (self.directory / "config.yaml").write_text(text)
        (self.directory / "defaults.yaml").write_text(json.dumps(_DEFAULTS))
        self._process.start()
        self._process.wait_until(
            lambda: _READY in self._process.log_text(), "The Collector", "ready", CollectorUnavailableError
        )

    def stop(self, within: float = 30.0) -> int | None:
        """Stop the Collector, which sends what it holds within a number of seconds; returns its exit status."""
        return self._process.stop(within)

    def kill(self) -> None:
        """SIGKILL: its memory is lost, its file_storage is not."""
        self._process.kill()

    def pause(self) -> None:
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()

    def log_text(self) -> str:
        """Return the log since the last start."""
        return self._process.log_text()

    def log_tail(self) -> str:
        """Return the end of the log since the last start, for an error message."""
        return self._process.log_tail()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
