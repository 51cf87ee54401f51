"""``lognotary hold``: add, list and release legal holds."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import grpc

from lognotary.v1 import administration_pb2 as messages
from lognotary.v1 import administration_pb2_grpc
from server.commands.api_client import call, timestamp, to_json
from server.commands.output import Style, complain, say, say_json, shown
from server.commands.user import user_name
from server.notary.counted import counted

__all__ = ["add_hold", "list_hold", "release_hold"]


_UNTOLD = (
    "warning: redaction may hide the actor of records, which the hold does not keep then. These credentials do not "
    "permit reading how many there are: to keep such records, add a hold by service, trace, category or time"
)


def add_hold(options: argparse.Namespace) -> int:
    """Add a hold; return the exit status."""
    request = messages.AddHoldRequest(
        name=options.name,
        scope=messages.HoldScope(
            stream=options.stream,
            since=options.since and timestamp(options.since),
            until=options.until and timestamp(options.until),
            service=options.service,
            actor=options.actor,
            trace_id=options.trace,
            category=options.category,
        ),
        reason=options.reason,
        actor=user_name(),
    )

    def work(channel: grpc.Channel) -> int:
        answer = _stub(channel).AddHold(request)
        if options.json:
            say_json(to_json(answer))
        else:
            hold = shown(answer.hold)
            # Callers who may not read the records are not told how many there are.
            stored = counted(answer.records, "stored record") if answer.HasField("records") else "the stored records"
            say(f"the hold {hold.name} keeps {stored}, and later ones that match")
            say(*_lines(hold, Style.of(sys.stdout, utc=options.utc)))
        if answer.hidden_actors:
            complain(_hidden(answer))
        elif options.actor and not answer.HasField("hidden_actors"):
            complain(_UNTOLD)
        return 0

    return call(options.api, work)


def _hidden(answer: messages.AddHoldResponse) -> str:
    return (
        f"warning: redaction hides the actor of {counted(answer.hidden_actors, 'stored audit record')} with all else "
        "that the hold asks for. The hold does not keep such records, not even those of this actor, who has "
        f"{counted(answer.disclosed_values, 'disclosed value')}. To keep them, add a hold by service, trace, category "
        "or time"
    )


def list_hold(options: argparse.Namespace) -> int:
    """List the holds; return the exit status."""

    def work(channel: grpc.Channel) -> int:
        answer = _stub(channel).ListHolds(messages.ListHoldsRequest(released=options.released))
        if options.json:
            say_json(to_json(answer))
            return 0
        style = Style.of(sys.stdout, utc=options.utc)
        for hold in answer.holds:
            say(*_lines(shown(hold), style))
        if not answer.holds:
            say("no hold is in force" if not options.released else "there are no holds")
        return 0

    return call(options.api, work)


def release_hold(options: argparse.Namespace) -> int:
    """Release a hold; return the exit status."""
    request = messages.ReleaseHoldRequest(name=options.name, reason=options.reason, actor=user_name())

    def work(channel: grpc.Channel) -> int:
        answer = _stub(channel).ReleaseHold(request)
        if options.json:
            say_json(to_json(answer))
        else:
            say(f"the hold {shown(answer.hold).name} is released: retention applies again to its records")
        return 0

    return call(options.api, work)


def _stub(channel: grpc.Channel) -> administration_pb2_grpc.AdministrationServiceStub:
    return administration_pb2_grpc.AdministrationServiceStub(channel)


def _lines(hold: messages.Hold, style: Style) -> Iterator[str]:
    """Yield the lines about a hold whose texts are safe to show."""
    yield f"{hold.name}  {'released' if hold.HasField('released') else 'in force'}"
    yield f"    keeps     {_scope(hold.scope, style)}"
    yield f"    added     {_act(hold.added, style)}"
    if hold.HasField("released"):
        yield f"    released  {_act(hold.released, style)}"


def _act(act: messages.PolicyAct, style: Style) -> str:
    who = act.actor or "somebody"
    return f"{style.clock(act.time)} by {who} from {act.caller or 'the server'}: {act.reason}"


def _scope(scope: messages.HoldScope, style: Style) -> str:
    parts = [
        f"{name} {value}"
        for name, value in (
            ("stream", scope.stream),
            ("service", scope.service),
            ("actor", scope.actor),
            ("trace", scope.trace_id),
            ("category", scope.category),
            ("since", style.clock(scope.since) if scope.HasField("since") else ""),
            ("until", style.clock(scope.until) if scope.HasField("until") else ""),
        )
        if value
    ]
    return ", ".join(parts) or "all records"
