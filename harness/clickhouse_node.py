"""A real ClickHouse server that tests may stop, kill, pause and restart."""

import http.client
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.bound_process import BoundProcess
from harness.clickhouse_http import ClickHouseServer, QueryError
from harness.clickhouse_source import ServerSource, ServerUnavailableError, SourceKind, find_server
from harness.free_port import free_port

_CHDB_SERVER = Path(__file__).with_name("_chdb_server.py")

# One file for both kinds of server: as configuration and, named by users_config, for the users in it.
# Where clickhouse-local differs from a server it is told to be like one: the pools that merge in the
# background, implicit_select (tests would accept what a server refuses), its console's own log level.
_CONFIG = """\
<clickhouse>
  <logger>
    <console>1</console>
    <level>{log_level}</level>
    <console_log_level>{log_level}</console_log_level>
  </logger>
  <path>{directory}/data/</path>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{http_port}</http_port>
  <tcp_port>{tcp_port}</tcp_port>
  <background_pool_size>16</background_pool_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  <users_config>{directory}/config.xml</users_config>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
    {users}
  </users>
  <profiles><default><implicit_select>0</implicit_select></default>{profiles}</profiles>
  <quotas><default></default></quotas>
  {config}
</clickhouse>
"""


class ClickHouseNode(ClickHouseServer):
    """One server process on a directory that outlives it: data, configuration and log stay where they are.

    ``http_port`` 0 takes a free port and keeps it over restarts. ``config`` is XML for the server's
    configuration (macros, clusters, ...), ``users`` XML for more users, whose grants must be given there:
    the npm package has no writable store for CREATE USER. ``profiles`` is XML for more settings profiles;
    they may change before the server starts again.
    """

    def __init__(
        self,
        directory: Path,
        *,
        source: ServerSource | None = None,
        http_port: int = 0,
        config: str = "",
        users: str = "",
        profiles: str = "",
        log_level: str = "warning",
    ) -> None:
        self.http_port = http_port or free_port()
        self.tcp_port = free_port()
        super().__init__(f"http://127.0.0.1:{self.http_port}")
        self._source = source or find_server(controllable=True)
        if self._source.kind is SourceKind.URL:
            raise ServerUnavailableError(f"The server at {self._source.location} is not ours to control.")
        self.directory = directory.resolve()
        self._config = config
        self._users = users
        self.profiles = profiles
        self._log_level = log_level
        self._process = BoundProcess(
            self._command(),
            log=self.directory / "server.log",
            env={"CLICKHOUSE_WATCHDOG_ENABLE": "0"},
            cwd=self.directory,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    def start(self) -> None:
        """Start the server and wait until it answers; again after an end, on the same directory and ports.

        Raises:
            ServerUnavailableError: the server exits, or does not answer in time; the message has the end of its log.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "config.xml").write_text(
            _CONFIG.format(
                directory=self.directory,
                http_port=self.http_port,
                tcp_port=self.tcp_port,
                users=self._users,
                profiles=self.profiles,
                config=self._config,
                log_level=self._log_level,
            )
        )
        self._process.start()
        self._process.wait_until(self._answers, "The ClickHouse server", "ready", ServerUnavailableError)

    def stop(self) -> None:
        """Stop the server cleanly, with everything written."""
        self._process.stop()

    def kill(self) -> None:
        """SIGKILL, as if the machine's power had gone (but for what the kernel still holds)."""
        self._process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: the kernel accepts connections, but they get no answers."""
        self._process.pause()

    def resume(self) -> None:
        self._process.resume()

    def log_tail(self) -> str:
        return self._process.log_tail()

    @contextmanager
    def fresh_database(self) -> Iterator[str]:
        """As for every server; one that has ended by itself is started again first.

        The library from npm ends (by an exception in a destructor) when a client leaves at the wrong moment; that costs
        the test that did it, not all that come after it.
        """
        if not self.running:
            self.start()
        with super().fresh_database() as name:
            yield name

    def _command(self) -> list[str]:
        location, config = self._source.location, str(self.directory / "config.xml")
        if self._source.kind is SourceKind.LIBRARY:
            return [sys.executable, "-I", str(_CHDB_SERVER), location, str(self.directory), config]
        server = [location] if Path(location).name == "clickhouse-server" else [location, "server"]
        return [*server, f"--config-file={config}"]

    def _answers(self) -> bool:
        """Return whether this server answers, and not another one that took the port first."""
        try:
            path = self.query("SELECT path FROM system.disks WHERE name = 'default'", timeout=30.0)
        except (OSError, http.client.HTTPException, QueryError):
            return False
        return Path(path) == self.directory / "data"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Nobody reads its directory any more, and an orderly end waits seconds for idle connections.
        self.kill()


@contextmanager
def running_server(directory: Path) -> Iterator[ClickHouseServer]:
    """Yield a server to use as it is: the one CLICKHOUSE_URL names, else one started on ``directory``.

    Raises:
        ServerUnavailableError: no server is available, or the named one does not answer.
    """
    source = find_server()
    if source.kind is not SourceKind.URL:
        with ClickHouseNode(directory, source=source) as node:
            yield node
        return
    server = ClickHouseServer(source.location)
    try:
        server.query("SELECT 1")
    except (OSError, http.client.HTTPException, QueryError) as error:
        raise ServerUnavailableError(f"CLICKHOUSE_URL names a server that does not answer: {error}") from error
    yield server
