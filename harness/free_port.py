"""Ports for programs that cannot choose one of their own."""

import random
import socket


def free_port() -> int:
    """A free port below the range that outgoing connections are given.

    One of those could be taken by any client while a killed server is down, or connect to itself.
    """
    choose = random.SystemRandom()
    while True:
        port = choose.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
