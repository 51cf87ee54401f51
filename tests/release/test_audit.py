"""The audit of dependencies tells vulnerable packages from a PyPI that cannot be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from release.audit import ACCEPTED, VULNERABLE, Accepted, audit_python, audit_scripts, conclude, read_accepted
from release.errors import ReleaseError
from release.npm_audit import KNOWN

TODAY = date(2026, 11, 30)
PINNED = "urllib3==2.8.0\nstarlette==1.10.0\n"
CANARY = {"name": "urllib3", "version": "1.26.4", "vulns": [{"id": "PYSEC-2021-108", "fix_versions": ["1.26.5"]}]}
CLEAN = [{"name": "urllib3", "version": "2.8.0", "vulns": []}, {"name": "starlette", "version": "1.10.0", "vulns": []}]
BAD = {
    "name": "starlette",
    "version": "1.10.0",
    "vulns": [{"id": "PYSEC-2026-7", "aliases": ["CVE-2026-7777"], "fix_versions": ["1.10.1"], "description": "…"}],
}


def pypi(*packages: dict[str, Any], canary: dict[str, Any] | None = CANARY) -> Callable[[str], dict[str, Any] | None]:
    """Return what asks a PyPI that knows this of the pinned packages."""

    def ask(requirements: str) -> dict[str, Any] | None:
        if requirements == VULNERABLE:
            return None if canary is None else {"dependencies": [canary]}
        assert requirements == PINNED
        return {"dependencies": list(packages)}

    return ask


def audit(
    requirements: str, entries: list[Accepted], today: date, ask: Callable[[str], dict[str, Any] | None]
) -> tuple[list[str], str]:
    """Return the problems of Python packages, and why some were not audited."""
    problems, not_audited = conclude([audit_python(requirements, ask)], entries, today)
    return problems, "".join(not_audited)


def accepted(**changes: Any) -> list[Accepted]:
    entry: dict[str, Any] = {"package": "starlette", "id": "CVE-2026-7777", "until": TODAY, "reason": "not used"}
    return [Accepted(**entry | changes)]


def test_packages_without_vulnerabilities_pass() -> None:
    assert audit(PINNED, [], TODAY, pypi(*CLEAN)) == ([], "")


def test_a_vulnerability_is_a_problem_that_names_the_fixed_version() -> None:
    [problem], not_audited = audit(PINNED, [], TODAY, pypi(CLEAN[0], BAD))
    assert problem == "starlette 1.10.0 has the vulnerability PYSEC-2026-7, CVE-2026-7777: fixed in 1.10.1"
    assert not_audited == ""


def test_an_accepted_vulnerability_passes_until_its_date() -> None:
    assert audit(PINNED, accepted(), TODAY, pypi(CLEAN[0], BAD)) == ([], "")
    assert audit(PINNED, accepted(id="PYSEC-2026-7"), TODAY, pypi(CLEAN[0], BAD)) == ([], "")
    [problem], _ = audit(PINNED, accepted(until=date(2026, 11, 29)), TODAY, pypi(CLEAN[0], BAD))
    assert problem == "CVE-2026-7777 of starlette was accepted until 2026-11-29: decide again"


def test_an_accepted_vulnerability_of_another_package_accepts_nothing() -> None:
    problems, _ = audit(PINNED, accepted(package="urllib3"), TODAY, pypi(CLEAN[0], BAD))
    assert len(problems) == 2


def test_an_acceptance_that_is_not_needed_any_more_is_a_problem() -> None:
    [problem], _ = audit(PINNED, accepted(), TODAY, pypi(*CLEAN))
    assert problem.endswith("not found any more: remove it")


@pytest.mark.parametrize(
    "canary",
    [None, {"name": "urllib3", "version": "1.26.4", "vulns": []}, {"name": "urllib3", "skip_reason": "not found"}],
    ids=["it cannot be reached", "it knows no vulnerabilities", "it does not know the package"],
)
def test_a_pypi_that_does_not_report_what_is_known_is_no_clean_audit(canary: dict[str, Any] | None) -> None:
    problems, not_audited = audit(PINNED, [], TODAY, pypi(*CLEAN, canary=canary))
    assert (problems, not_audited) == (
        [],
        "PyPI does not report the vulnerability of urllib3==1.26.4, which is known",
    )


def test_acceptances_expire_although_pypi_cannot_be_asked() -> None:
    old = accepted(until=date(2026, 1, 1))
    problems, _ = audit(PINNED, [*old, *accepted()], TODAY, pypi(*CLEAN, canary=None))
    assert len(problems) == 1


def test_acceptances_expire_although_only_the_first_question_is_answered() -> None:
    def ask(requirements: str) -> dict[str, Any] | None:
        return {"dependencies": [CANARY]} if requirements == VULNERABLE else None

    old = accepted(until=date(2026, 1, 1))
    [problem], not_audited = audit(PINNED, [*old, *accepted()], TODAY, ask)
    assert problem == "CVE-2026-7777 of starlette was accepted until 2026-01-01: decide again"
    assert not_audited == "pip-audit could not ask PyPI"


def test_a_package_without_an_answer_is_named() -> None:
    skipped = {"name": "starlette", "skip_reason": "Dependency not found on PyPI"}
    assert audit(PINNED, accepted(), TODAY, pypi(CLEAN[0], skipped)) == ([], "PyPI gave no answer for starlette")


def test_the_list_of_accepted_vulnerabilities_can_be_read() -> None:
    example = "\n".join(line.removeprefix("# ") for line in ACCEPTED.read_text(encoding="utf-8").splitlines()[3:])
    [entry] = read_accepted(example)
    assert (entry.package, entry.until) == ("example", date(2027, 1, 31))


@pytest.mark.parametrize("missing", ["package", "id", "until", "reason"])
def test_an_acceptance_without_a_reason_or_a_date_is_refused(missing: str) -> None:
    entry = {"package": '"a"', "id": '"b"', "until": "2027-01-31", "reason": '"c"'}
    lines = "\n".join(f"{name} = {value}" for name, value in entry.items() if name != missing)
    with pytest.raises(ReleaseError, match="accepted vulnerability"):
        read_accepted(f"[[accepted]]\n{lines}\n")
    with pytest.raises(ReleaseError, match="accepted vulnerability"):
        read_accepted('[[accepted]]\npackage = "a"\nid = "b"\nuntil = "2027"\nreason = " "\n')


LOCK = json.dumps(
    {
        "packages": {
            "": {"dependencies": {"preact": "^11.2.0"}},
            "node_modules/preact": {"version": "11.2.0"},
            "node_modules/@preact/signals": {"version": "2.11.4"},
            "node_modules/typescript": {"version": "5.9.3", "dev": True},
        }
    }
)
ADVISORY = {"name": "preact", "title": "…", "url": "https://advisories.example/GHSA-aaaa-bbbb-cccc", "range": "<11.2.1"}
BAD_SCRIPT = {"preact": {"via": [ADVISORY]}, "@preact/signals": {"via": ["preact"]}}
LODASH = {"lodash": {"via": [{"name": "lodash", "url": "https://advisories.example/GHSA-jf85-cpcp-j695"}]}}


def npm(found: dict[str, Any] | None, known: dict[str, Any] | None = LODASH) -> Callable[[str], dict[str, Any] | None]:
    """Return what asks an npm registry that knows this of the locked packages, and this of a vulnerable one."""

    def ask(lock: str) -> dict[str, Any] | None:
        answer = known if lock == KNOWN else found
        return None if answer is None else {"auditReportVersion": 2, "vulnerabilities": answer}

    return ask


def test_packages_in_scripts_without_vulnerabilities_pass() -> None:
    assert conclude([audit_scripts(LOCK, npm({}))], [], TODAY) == ([], [])


def test_a_vulnerability_of_a_package_in_scripts_is_a_problem_unless_it_is_accepted() -> None:
    asked = audit_scripts(LOCK, npm(BAD_SCRIPT))
    [problem], _ = conclude([asked], [], TODAY)
    assert problem == "preact 11.2.0 has the vulnerability GHSA-aaaa-bbbb-cccc: no fixed version is known"
    assert conclude([asked], accepted(package="preact", id="GHSA-aaaa-bbbb-cccc"), TODAY) == ([], [])
    clean = audit_scripts(LOCK, npm({}))
    [problem], _ = conclude([clean], accepted(package="preact", id="GHSA-aaaa-bbbb-cccc"), TODAY)
    assert problem.endswith("not found any more: remove it")


@pytest.mark.parametrize("known", [None, {}], ids=["it cannot be reached", "it knows no vulnerabilities"])
def test_a_registry_that_does_not_report_what_is_known_is_no_clean_audit(known: dict[str, Any] | None) -> None:
    entries = accepted(package="preact", id="GHSA-aaaa-bbbb-cccc")
    problems, [why] = conclude([audit_scripts(LOCK, npm({}, known))], entries, TODAY)
    assert problems == []
    assert why == (
        "the npm registry does not report the vulnerability of lodash 4.17.4, which is known: @preact/signals, preact"
    )


def test_packages_that_npm_could_not_ask_about_are_named() -> None:
    _, [why] = conclude([audit_scripts(LOCK, npm(None))], [], TODAY)
    assert why == "npm could not ask its registry about @preact/signals, preact"
