"""Arguments of ``lognotary audit``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from server.commands.arguments.options import API_VARIABLES
from server.commands.arguments.parser import CommandParser, examples, later, typed
from server.commands.arguments.reading import add_complete_flags, add_event_range, add_reading_flags
from server.notary.audit_words import CATEGORIES, OUTCOMES, parse_pattern
from server.notary.producer_signature import SIGNATURES
from server.settings.values import read_choice

__all__ = ["FILTERS", "add_filters", "add_parser"]

_PREFIX = "; exact, or a beginning followed by '*'"
_WORDS = {"outcome": OUTCOMES, "category": CATEGORIES, "signature": SIGNATURES}

FILTERS = {
    "actor": ("actor_id", f"who did it{_PREFIX}"),
    "effective-actor": ("effective_actor_id", f"under which identity: impersonation, an assumed role, sudo{_PREFIX}"),
    "action": ("action", f"what was done{_PREFIX}"),
    "target": ("target_id", f"what it was done to{_PREFIX}"),
    "target-type": ("target_type", f"type of the target{_PREFIX}"),
    "source": ("source_id", f"where it came from{_PREFIX}"),
    "outcome": ("outcome", "the result"),
    "category": ("category", "kind of the event"),
    "rule": ("rule", f"the audit rule that classified it{_PREFIX}"),
    "service": ("service_name", f"the service that reported it{_PREFIX}"),
    "trace": ("trace_id", "the trace it belongs to, in any form that 'lognotary trace' takes"),
    "signature": ("signature", "the result of checking its producer's signature"),
    "text": ("text", "text in the body; case is ignored"),
}
"""Option -> field of the request, help text."""


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "audit",
        description="Search audit events, latest first. An event must match all filters. Asks a running server, or "
        "reads the storage directly with --storage. Exit status 1 if no event matches, or one cannot be proved: it was "
        "tampered with, or never signed. Only stored records can be shown: 'lognotary verify' shows "
        "whether one is missing.",
        epilog=examples(
            "lognotary audit --actor alice --since 2h              # what alice did",
            "lognotary audit --action 'role.*' --outcome failure   # failed attempts to get roles",
            "lognotary audit --effective-actor root                # what was done as root, by sudo for instance",
            "lognotary audit --since 2026-11-28 --until '2026-11-28 04:00'",
            "lognotary audit --actor alice --since 7d --complete   # with proof that nothing is left out",
            "lognotary audit --access --since 30d                  # who has looked at anything, PCI DSS 10.2.1.3",
            "lognotary audit --category admin --follow             # as it happens, until Ctrl-C",
            variables=API_VARIABLES,
        ),
    )
    add_filters(parser, "filters")
    add_event_range(parser, "events", ends=True)
    add_complete_flags(parser, "events")
    parser.add_argument(
        "--access",
        action="store_true",
        help="show only who looked: records of calls of the API, which are left out otherwise",
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="show events as they are committed, from now on, as 'lognotary tail' does",
    )
    add_reading_flags(parser)
    parser.add_check(_check)
    parser.set_defaults(run=later("server.commands.audit"))


def add_filters(parser: CommandParser, title: str) -> None:
    """Add the filters, as a group of options with this title."""
    filters = parser.add_argument_group(title)
    for flag, (field, text) in FILTERS.items():
        words = _WORDS.get(field, ())
        filters.add_argument(
            f"--{flag}",
            dest=field,
            metavar="|".join(words) or "TEXT",
            type=typed(partial(read_choice, valid=words) if words else _reader(text)),
            help=text,
        )


def _check(options: argparse.Namespace) -> None:
    if not options.follow:
        return
    for flag, given in (("--since", options.since), ("--until", options.until)):
        if given:
            raise ValueError(f"{flag} cannot be used with --follow, which begins now: leave one of the two out")
    for flag, given in (
        ("--storage", options.storage),
        ("--public-key", options.public_key),
        ("--data-dir", options.data_dir),
    ):
        if given:
            raise ValueError(f"{flag} cannot be used with --follow, which asks a running server")
    for flag, given in (
        ("--complete", options.complete),
        ("--received-since", options.received_since),
        ("--received-until", options.received_until),
        ("--checkpoint", options.checkpoint),
        ("--limit", options.limit),
        ("--csv", options.csv),
    ):
        if given:
            raise ValueError(f"{flag} cannot be used with --follow, which does not end: leave one of the two out")


def _reader(help_text: str) -> Callable[[str], str]:
    return _read_pattern if help_text.endswith(_PREFIX) else _read_text


def _read_pattern(text: str) -> str:
    parse_pattern(_read_text(text))
    return text


def _read_text(text: str) -> str:
    if not text:
        raise ValueError("the text is empty: leave the filter out to match every event")
    return text
