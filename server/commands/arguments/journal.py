"""Arguments of ``lognotary journal``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from server.commands.arguments.parser import examples, later
from server.settings.flags import add_flags

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "journal",
        description="Inspect a server's journal (write-ahead log): batches that are signed but may not be stored yet. "
        "Or make the key that encrypts it, or give up the journal of a server that never starts again.",
        epilog=examples(
            "lognotary journal inspect --data-dir /var/lib/lognotary",
            "lognotary journal key /etc/lognotary/journal.key",
            "lognotary journal abandon shop/audit/node-1 --storage http://lognotary@clickhouse:8123/lognotary",
        ),
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    parser.set_defaults(overview=parser)
    inspect = actions.add_parser(
        "inspect",
        help="list the contents of a journal",
        description="List the contents of a journal: batches and statements that are stored already, which stay until "
        "their segment is deleted; those that wait to be stored; and any damage. Read-only, and safe to use while a "
        "server runs; a frame that is just being written then looks incomplete. Of an encrypted journal, the "
        "contents are listed if its key is given, and else only the frames. Exit status 1 if there is damage.",
        epilog=examples("lognotary journal inspect --data-dir /var/lib/lognotary"),
    )
    inspect.add_argument(
        "directory",
        metavar="DIRECTORY",
        nargs="*",
        type=Path,
        help="directory of a journal, or one that has journals, such as a data directory (default: data_dir)",
    )
    inspect.add_argument("--waiting", action="store_true", help="show only what waits to be stored, or may, and damage")
    inspect.add_argument("--json", action="store_true", help="print JSON, one object per segment")
    add_flags(inspect, "data_dir", "journal_key", "journal_retired_keys")
    inspect.set_defaults(overview=None, run=later("server.commands.journal", "inspect"))
    key = actions.add_parser(
        "key",
        help="make a key that encrypts journals",
        description="Make a key that encrypts journals (--journal-key): a file with 32 random bytes that only its "
        "owner may read, or an AES-256 key in a PKCS #11 token. An existing key is never replaced. Keep a copy of a "
        "file in another place: without it, nobody can read what the journal holds.",
        epilog=examples(
            "lognotary journal key /etc/lognotary/journal.key",
            "lognotary journal key 'pkcs11:token=hsm;object=journal?module-path=/usr/lib/softhsm/libsofthsm2.so"
            "&pin-source=file:/etc/lognotary/pin'",
        ),
    )
    key.add_argument("key", metavar="FILE|URI", help="path of the new key file, or PKCS #11 URI of the new key")
    key.set_defaults(overview=None, run=later("server.commands.journal_key", "make"))
    abandon = actions.add_parser(
        "abandon",
        help="give up the journal of a server that never starts again",
        description="Give up the journal of a server that never starts again, because its data directory is lost. The "
        "IDs of audit records that the server had claimed, and that are not in its log, become free: other servers "
        "answer 503 for them until then. The server must have stopped at least 30 seconds ago. If the data directory "
        "comes back with batches in the journal of audit records, a server refuses to start on it.",
        epilog=examples(
            "lognotary journal abandon shop/audit/node-1 --storage http://lognotary@clickhouse:8123/lognotary"
        ),
    )
    abandon.add_argument("origin", metavar="ORIGIN", help="origin of the server's log of audit records")
    add_flags(abandon, "storage")
    abandon.set_defaults(overview=None, run=later("server.commands.abandon", "abandon"))
