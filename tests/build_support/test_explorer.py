"""The build of the explorer's page installs what the lock file names, once, and says why it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from build_support.explorer import ExplorerError, build_page, is_installed, page_sources
from tests.build_support.test_node import program

LOCK: dict[str, Any] = {
    "packages": {
        "": {"name": "explorer"},
        "node_modules/preact": {"version": "11.2.0", "integrity": "sha512-a"},
        "node_modules/@esbuild/linux-x64": {"version": "0.28.2", "integrity": "sha512-b", "optional": True},
        "node_modules/typescript": {"version": "5.9.3", "integrity": "sha512-c", "dev": True},
    }
}


def sources(directory: Path) -> Path:
    """Write a lock file; returns the directory."""
    (directory / "node_modules").mkdir(parents=True)
    (directory / "package-lock.json").write_text(json.dumps(LOCK))
    return directory


def install(web: Path, **changes: Any) -> None:
    """Write down what npm installed: preact, with changes."""
    preact = LOCK["packages"]["node_modules/preact"] | changes
    installed = {"packages": {"node_modules/preact": preact}}
    (web / "node_modules" / ".package-lock.json").write_text(json.dumps(installed))


def test_packages_are_installed_if_they_are_those_of_the_lock_file(tmp_path: Path) -> None:
    web = sources(tmp_path)
    assert not is_installed(web, with_tools=False)
    install(web)
    assert is_installed(web, with_tools=False)
    assert not is_installed(web, with_tools=True)  # typescript is missing


@pytest.mark.parametrize("change", [{"version": "11.1.0"}, {"integrity": "sha512-x"}])
def test_packages_that_differ_from_the_lock_file_are_installed_again(change: dict[str, str], tmp_path: Path) -> None:
    web = sources(tmp_path)
    install(web, **change)
    assert not is_installed(web, with_tools=False)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_an_installation_that_was_interrupted_does_not_count(content: str, tmp_path: Path) -> None:
    web = sources(tmp_path)
    (web / "node_modules" / ".package-lock.json").write_text(content)
    assert not is_installed(web, with_tools=False)


def test_sources_are_what_was_neither_installed_nor_generated(tmp_path: Path) -> None:
    for name in ("main.tsx", "api/client.ts", "api/schema.d.ts", "node_modules/preact/index.js", "package-lock.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    found = [str(file.relative_to(tmp_path)) for file in page_sources(tmp_path)]
    assert found == ["api/client.ts", "main.tsx", "package-lock.json"]


def test_without_node_the_build_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("build_support.explorer.find_node", lambda: None)
    with pytest.raises(ExplorerError, match=r"Node\.js 20\.19 or newer with npm is missing"):
        build_page(sources(tmp_path), with_tools=False)


@pytest.mark.parametrize("failing", ["npm", "node"])
def test_a_build_that_fails_says_what_the_tool_said(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, version in (("node", "v24.0.0"), ("npm", "11.0.0")):
        file = Path(program(tmp_path / "bin" / name, version))
        if name == failing:
            says = f'[ "$1" = --version ] && echo {version} && exit\necho "the registry said no" >&2\nexit 1\n'
            file.write_text(f"#!/bin/sh\n{says}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    with pytest.raises(ExplorerError, match=f"'{failing} .*' failed: the registry said no"):
        build_page(sources(tmp_path / "web"), with_tools=False)


def test_packages_are_installed_by_the_lock_file_without_their_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "node", "v24.0.0")
    Path(program(tmp_path / "bin" / "npm", "")).write_text('#!/bin/sh\necho "$@" > asked\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    web = sources(tmp_path / "web")
    for with_tools in (True, False):
        build_page(web, with_tools=with_tools)
        asked = (web / "asked").read_text().split()
        assert asked[:2] == ["ci", "--ignore-scripts"]
        assert ("--omit=dev" in asked) is not with_tools
    (web / "asked").unlink()
    install(web)
    build_page(web, with_tools=False)
    assert not (web / "asked").exists()
    build_page(web, with_tools=False, afresh=True)
    assert (web / "asked").exists()


def test_npm_and_node_get_no_more_of_the_environment_than_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Path(program(tmp_path / "bin" / "node", ""))
    node.write_text('#!/bin/sh\n[ "$1" = --version ] && echo v24.0.0 && exit\nenv > of-node\n')
    Path(program(tmp_path / "bin" / "npm", "")).write_text("#!/bin/sh\nenv > of-npm\n")
    for name in ("LOGNOTARY_TOKEN", "NODE_OPTIONS", "npm_config_script_shell", "HTTPS_PROXY", "npm_config_registry"):
        monkeypatch.setenv(name, "given")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    web = sources(tmp_path / "web")
    build_page(web, with_tools=False)
    given = {
        name: {line.partition("=")[0] for line in (web / name).read_text().splitlines() if line.endswith("=given")}
        for name in ("of-npm", "of-node")
    }
    assert given == {"of-npm": {"HTTPS_PROXY", "npm_config_registry"}, "of-node": set()}
