"""``lognotary journal abandon``: give up the journal of a writer that never starts again."""

from __future__ import annotations

import argparse
import os
import socket
from contextlib import closing
from uuid import uuid4

from server.audit_ids.abandoned import abandon_journal
from server.commands.output import say
from server.notary.counted import counted
from server.notary.errors import MalformedError
from server.notary.origin import LogName, Stream
from server.settings.errors import ConfigError
from server.settings.settings import load_settings
from storage.clickhouse import connect
from storage.lease import FencedEngine, claim_lease
from storage.writers import WriterName

__all__ = ["abandon"]


def abandon(options: argparse.Namespace) -> int:
    """Give up the journal of an audit log; return the exit status.

    Raises:
        ConfigError: the log is not an audit log.
        LeaseHeldError: the writer is running.
        StorageError: storage cannot be reached.
    """
    name = _audit_log(options.origin)
    with closing(connect(load_settings(vars(options), os.environ).storage)) as engine:
        place = f"{socket.gethostname()}: lognotary journal abandon [{uuid4()}]"
        lease = claim_lease(engine, WriterName(name.deployment, name.writer, place), lambda _: None)
        try:
            ended = abandon_journal(FencedEngine(engine, lease), name)
        finally:
            lease.release()
    say(f"the journal of {name.origin} is given up; {counted(ended, 'open claim')} of an audit ID ended")
    return 0


def _audit_log(origin: str) -> LogName:
    try:
        name = LogName.parse(origin)
    except MalformedError as error:
        raise ConfigError(f"{origin!r} is not the origin of a log: give one like shop/audit/node-1") from error
    if name.stream is not Stream.AUDIT:
        raise ConfigError(f"{origin}: only logs of the stream audit have claims of IDs")
    return name
