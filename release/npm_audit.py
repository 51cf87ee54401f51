"""Questions to the npm registry about vulnerabilities of the packages that the explorer is built from.

npm asks the registry. There are mirrors that answer nothing, or that nothing is known. So, as for PyPI, npm is first
asked about a version that is known to be vulnerable.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release.source import ROOT

__all__ = ["KNOWN", "LOCK", "AskNpm", "NpmReport", "ask_npm", "locked_versions", "read_npm_report"]

LOCK = ROOT / "server" / "explorer" / "web" / "package-lock.json"
KNOWN = json.dumps(
    {
        "name": "known",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "known", "dependencies": {"lodash": "4.17.4"}},
            "node_modules/lodash": {"version": "4.17.4"},
        },
    }
)
"""Lock file with a package whose vulnerability has been known since 2019 (CVE-2019-10744)."""

_SECONDS = 120

NpmReport = dict[str, Any] | None
"""Report of ``npm audit`` in JSON; None if npm could not make one."""

AskNpm = Callable[[str], NpmReport]
"""Function that returns the report on a lock file."""


def ask_npm(lock: str) -> NpmReport:
    """Ask the npm registry about the packages of a lock file that are built into scripts, or build them."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "package-lock.json").write_text(lock, encoding="utf-8")
        root = json.loads(lock)["packages"][""]
        (folder / "package.json").write_text(json.dumps({"version": "0.0.0", **root}), encoding="utf-8")
        command = [npm, "audit", "--json", "--package-lock-only", "--omit=dev", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
            report: dict[str, Any] = json.loads(done.stdout)
        except (OSError, subprocess.SubprocessError, ValueError):
            return None
    # The status is 1 both for vulnerabilities and for errors, but only a report has this.
    return report if isinstance(report.get("vulnerabilities"), dict) else None


def read_npm_report(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the package and the ID of each vulnerability in a report (``auditReportVersion`` 2)."""
    found = set()
    for about in report["vulnerabilities"].values():
        for advisory in about.get("via", []):
            if isinstance(advisory, dict):  # a text names another package, whose own entry has the advisory
                found.add((str(advisory["name"]), str(advisory["url"]).rpartition("/")[2]))
    return sorted(found)


def locked_versions(lock: str) -> dict[str, str]:
    """Return the version of each package in a lock file that is built into scripts, or builds them."""
    packages: dict[str, dict[str, Any]] = json.loads(lock)["packages"]
    return {
        place.rpartition("node_modules/")[2]: str(about["version"])
        for place, about in packages.items()
        if place and not about.get("dev")
    }
