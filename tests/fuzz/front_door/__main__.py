"""Looks for bytes, and ways to send them, that the two OTLP ports cannot take.

.venv/bin/python -m tests.fuzz.front_door --seconds 60
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.front_door.campaign import Campaign, replay
from tests.fuzz.front_door.report import Finding, Plan, Report
from tests.fuzz.front_door.script import Door, Script
from tests.fuzz.target import FAILURES


def main() -> int:
    """Search; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.front_door", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long to look (default: 60, without --cases)")
    parser.add_argument("--cases", type=int, help="how many cases to try")
    parser.add_argument("--seed", type=int, help="seed of the cases (default: a new one, which is printed)")
    parser.add_argument("--first", type=int, default=0, help="number of the first connection (default: %(default)s)")
    parser.add_argument("--crowd", type=int, default=3000, help="idle connections on each port (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=96, help="busy connections (default: %(default)s)")
    parser.add_argument("files", nargs="*", type=Path, help="repeat these saved connections only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lognotary-fuzz-") as directory:
        if arguments.files:
            scripts = [Script.from_json(line) for path in arguments.files for line in path.read_bytes().splitlines()]
            wrong = replay(scripts, Path(directory))
            print(wrong or "nothing wrong")
            return 1 if wrong else 0
        plan = Plan(
            seed=random.SystemRandom().getrandbits(32) if arguments.seed is None else arguments.seed,
            first=arguments.first,
            cases=arguments.cases or float("inf"),
            seconds=arguments.seconds or (float("inf") if arguments.cases else 60.0),
            crowd=arguments.crowd,
            at_once=arguments.at_once,
        )
        print(f"front door: seed {plan.seed}", flush=True)
        report = Campaign(plan, Path(directory), _say, _save).run()
    _show(report)
    return 1 if report.found else 0


def _show(report: Report) -> None:
    print(
        f"\n{report.cases.total()} cases on {report.connections.total()} connections in {report.seconds:.0f} s "
        f"({report.processor_seconds:.0f} of the server's processor, {time.process_time():.0f} of ours)\n"
    )
    for kind, count in sorted(report.cases.items()):
        print(f"  {kind:<28}{count:>9}")
    for door in Door:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes[door].most_common())
        print(f"\n{door}: {report.connections[door]} connections; answers: {outcomes}")
    print("\nThe server:")
    for when, vitals in report.vitals.items():
        print(f"  {when:<20}{vitals}")
    print(f"  idle connections that it closed by itself: {', '.join(report.crowds)}")
    for line, count in report.lines.most_common(12):
        print(f"  logged {count:>7}: {line}")
    longest = max(report.waits, default=0)
    print(f"\nNeighbours: {report.acknowledged} records acknowledged, served within {longest:.1f} s at each look")
    for refusal, count in report.refusals.most_common(5):
        print(f"  refused {count:>6}: {refusal}")
    print(f"Stored and verified: {report.stored} records")
    for title in report.found:
        print(f"\nFOUND, {report.repeated[title]} times: {title}")


def _say(text: str) -> None:
    print(f"front door: {text}", flush=True)


def _save(finding: Finding) -> None:
    """Save what was found, at once: a campaign of hours may be ended before it is over."""
    saved = b"\n".join(script.to_json() for script in finding.scripts)
    path = FAILURES / f"front-door-{hashlib.sha1(finding.title.encode(), usedforsecurity=False).hexdigest()[:12]}"
    FAILURES.mkdir(exist_ok=True)
    path.write_bytes(saved)
    _say(f"FOUND {finding.why[:3000]}")
    if finding.scripts:
        _say(f"  Reproduce: python -m tests.fuzz.front_door {path}")


if __name__ == "__main__":
    sys.exit(main())
