"""Audit of the pinned dependencies for known vulnerabilities: ``python -m release.audit [--strict]``.

pip-audit asks PyPI, and npm its registry (``release.npm_audit``). pip-audit reports a package that PyPI gives no answer
for as one without vulnerabilities. So the audit first asks for a version that is known to be vulnerable: only if that
is found, an answer without findings counts.

A build must not fail because a registry cannot be reached, nor pass for that reason without anybody noticing: if it
cannot be asked, the audit says so, and fails only with ``--strict``, as releases need it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release.errors import ReleaseError
from release.npm_audit import KNOWN, LOCK, AskNpm, ask_npm, locked_versions, read_npm_report
from release.source import ROOT

__all__ = [
    "Accepted",
    "Asked",
    "Vulnerability",
    "audit_python",
    "audit_scripts",
    "conclude",
    "judge",
    "main",
    "read_accepted",
    "read_report",
]

ACCEPTED = Path(__file__).with_name("accepted-vulnerabilities.toml")
VULNERABLE = "urllib3==1.26.4\n"
"""A version whose vulnerability has been known since 2021 (CVE-2021-33503)."""

_ATTEMPTS = 3
_PAUSE = 2.0  # seconds

Report = dict[str, Any] | None
"""Report of pip-audit in JSON; None if it could not make one."""


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known vulnerability of a pinned package; ``ids`` are its ID and aliases, ``fixed_in`` is empty if unknown."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no fixed version is known"
        return f"{self.package} {self.version} has the vulnerability {', '.join(self.ids)}: {fixed}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vulnerability that is accepted until a date, and on that day."""

    package: str
    id: str
    until: date
    reason: str


def read_accepted(text: str) -> list[Accepted]:
    """Read the list of accepted vulnerabilities.

    Raises:
        ReleaseError: an entry lacks something.
    """
    found = []
    for entry in tomllib.loads(text).get("accepted", []):
        try:
            accepted = Accepted(**entry)
        except TypeError as error:
            raise ReleaseError(f"an accepted vulnerability has package, id, until and reason: {entry}") from error
        if type(accepted.until) is not date or not accepted.reason.strip():
            raise ReleaseError(f"an accepted vulnerability needs a date in 'until', and a reason: {entry}")
        found.append(accepted)
    return found


def read_report(report: dict[str, Any]) -> tuple[list[Vulnerability], list[str]]:
    """Return what a report found, and the packages that PyPI gave no answer for."""
    found, unanswered = [], []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            unanswered.append(package["name"])
        for one in package.get("vulns", []):
            ids = (one["id"], *one.get("aliases", []))
            found.append(Vulnerability(package["name"], package["version"], ids, tuple(one.get("fix_versions", []))))
    return found, unanswered


def judge(
    found: Sequence[Vulnerability], unanswered: Sequence[str], accepted: Sequence[Accepted], today: date
) -> list[str]:
    """Return a sentence for each vulnerability that is not accepted, and each acceptance that is out of date."""

    def matches(one: Vulnerability, entry: Accepted) -> bool:
        return one.package.lower() == entry.package.lower() and entry.id in one.ids

    problems = [str(one) for one in found if not any(matches(one, entry) for entry in accepted)]
    for entry in accepted:
        if entry.until < today:
            problems.append(f"{entry.id} of {entry.package} was accepted until {entry.until}: decide again")
        elif entry.package not in unanswered and not any(matches(one, entry) for one in found):
            problems.append(f"{entry.id} of {entry.package} is accepted, but not found any more: remove it")
    return problems


@dataclass(frozen=True, slots=True)
class Asked:
    """Answers of a registry: vulnerabilities, packages without an answer, and why these have none."""

    found: tuple[Vulnerability, ...] = ()
    unanswered: tuple[str, ...] = ()
    why: str = ""


def audit_python(requirements: str, ask: Callable[[str], Report]) -> Asked:
    """Audit Python packages.

    Args:
        requirements: text of a requirements file.
        ask: function that returns the report on a requirements file.
    """
    names = tuple(re.findall(r"^([\w.-]+)==", requirements, re.MULTILINE))
    known = ask(VULNERABLE)
    if known is None or not read_report(known)[0]:
        return Asked((), names, f"PyPI does not report the vulnerability of {VULNERABLE.strip()}, which is known")
    report = ask(requirements)
    if report is None:
        return Asked((), names, "pip-audit could not ask PyPI")
    found, unanswered = read_report(report)
    why = f"PyPI gave no answer for {', '.join(unanswered)}" if unanswered else ""
    return Asked(tuple(found), tuple(unanswered), why)


def audit_scripts(lock: str, ask: AskNpm) -> Asked:
    """Audit the npm packages that the explorer is built from.

    Args:
        lock: text of a lock file of npm.
        ask: function that returns the report on a lock file.
    """
    versions = locked_versions(lock)
    known = ask(KNOWN)
    if known is None or not read_npm_report(known):
        why = "the npm registry does not report the vulnerability of lodash 4.17.4, which is known"
        return Asked((), tuple(versions), f"{why}: {', '.join(sorted(versions))}")
    report = ask(lock)
    if report is None:
        return Asked((), tuple(versions), f"npm could not ask its registry about {', '.join(sorted(versions))}")
    found = (Vulnerability(name, versions.get(name, "?"), (one,), ()) for name, one in read_npm_report(report))
    return Asked(tuple(found))


def conclude(asked: Sequence[Asked], accepted: Sequence[Accepted], today: date) -> tuple[list[str], list[str]]:
    """Return a sentence for each problem, and for each registry why packages were not audited, if any were not."""
    found = [one for answer in asked for one in answer.found]
    unanswered = [name for answer in asked for name in answer.unanswered]
    return judge(found, unanswered, accepted, today), [answer.why for answer in asked if answer.why]


def _ask_pypi(requirements: str) -> Report:
    with TemporaryDirectory() as directory:
        pinned, answer = Path(directory, "requirements.txt"), Path(directory, "report.json")
        pinned.write_text(requirements, encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(pinned), "--no-deps", "--disable-pip"]
        command += ["--vulnerability-service", "pypi", "--timeout", "5", "--progress-spinner", "off"]
        command += ["--format", "json", "--output", str(answer)]
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE)
            subprocess.run(command, capture_output=True, check=False)
            # The status is 1 both for vulnerabilities and for errors, but only the first makes a report.
            if answer.exists():
                report: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
                return report
    return None


def main(arguments: list[str]) -> int:
    """Audit what is pinned; return 1 if there is a problem, and with ``--strict`` 2 if not all was audited."""
    accepted = read_accepted(ACCEPTED.read_text(encoding="utf-8"))
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    asked = audit_python(requirements, _ask_pypi), audit_scripts(LOCK.read_text(encoding="utf-8"), ask_npm)
    problems, not_audited = conclude(asked, accepted, datetime.now(UTC).date())
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    for why in not_audited:
        sys.stderr.write(f"warning: dependencies were not audited, or not all: {why}\n")
    if problems:
        return 1
    if not_audited:
        return 2 if "--strict" in arguments else 0
    sys.stdout.write("no vulnerabilities are known that are not accepted\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
