"""Turns this process into a ClickHouse server out of ``libchdb.so``.

``python _chdb_server.py LIBRARY DIRECTORY CONFIG``: the library runs clickhouse-local's entry point, told to
listen and then to read a FIFO that never ends. That needs a process of its own: the engine takes over
allocation, threads and signals, and only ending the process ends its listeners.
"""

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path


def main() -> None:
    """Serve until SIGTERM, which ends the waiting query so that the engine closes its tables in order."""
    library, directory, config = sys.argv[1:]
    fifo = Path(directory) / "hold.fifo"
    fifo.unlink(missing_ok=True)
    os.mkfifo(fifo)
    # Held for writing by this process itself: the query's read neither fails nor ends while it is.
    hold = os.open(fifo, os.O_RDWR)

    # The engine's threads inherit the mask, so only the thread below ever sees the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    asked_to_end = threading.Event()

    def release_on_term() -> None:
        signal.sigwait({signal.SIGTERM})
        asked_to_end.set()
        os.close(hold)

    threading.Thread(target=release_on_term, daemon=True).start()

    # No --output-format: it would become the default of the HTTP interface too, and clients would break.
    arguments = [
        "clickhouse",
        f"--config-file={config}",
        f"--query=SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; SELECT * FROM file('{fifo}', 'LineAsString')",
    ]
    run = ctypes.CDLL(library).chdb_query_cmdline
    run.restype = ctypes.c_void_p
    run(len(arguments), (ctypes.c_char_p * len(arguments))(*map(os.fsencode, arguments)))
    # Python's own finalisation would run the engine's static destructors under its remaining threads. An
    # end that was not asked for is a failure (of its listeners, most often), whatever the engine returned.
    os._exit(0 if asked_to_end.is_set() else 1)


if __name__ == "__main__":
    main()
