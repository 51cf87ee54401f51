"""Packages of a release are read from what pip reports."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from release.packages import reachable, read_packages


def item(name: str, number: str, requires: list[str], extras: list[str] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "version": number, "requires_dist": requires},
        "download_info": {"url": f"https://files.example/{name}", "archive_info": {"hashes": {"sha256": "a" * 64}}},
        "requested_extras": extras or [],
    }


REPORT = {
    "install": [
        item("uvicorn", "0.54.0", ["click>=8", "h11>=0.8", 'colorama>=0.4; sys_platform == "win32"']),
        item("Demo.Package", "1.0", ["uvicorn", 'numpy>=2; extra == "fast"', 'h11; extra == "slow"'], ["fast"]),
        item("numpy", "2.4.6", []),
        item("h11", "0.16.0", []),
        item("click", "8.5.1", []),
    ]
}


def test_packages_need_what_is_installed_here_and_was_asked_for() -> None:
    packages = {package.name: package.requires for package in read_packages(REPORT)}
    assert packages == {
        "click": (),
        "demo-package": ("numpy", "uvicorn"),
        "h11": (),
        "numpy": (),
        "uvicorn": ("click", "h11"),
    }


def test_a_license_is_that_of_the_installed_version_only() -> None:
    [pinned] = read_packages({"install": [item("uvicorn", version("uvicorn"), [])]})
    [other] = read_packages({"install": [item("uvicorn", "0.1", [])]})
    assert (pinned.license, other.license) == ("BSD-3-Clause", "")


def test_what_a_package_needs_is_followed() -> None:
    packages = read_packages(REPORT)
    assert reachable(packages, ["uvicorn", "unknown"]) == {"uvicorn", "click", "h11"}
    assert reachable(packages, ["Demo.Package"]) == {package.name for package in packages}
