"""``check.py`` stands alone: it can be copied away, and runs where nothing else is installed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import cffi
import cryptography
import pytest

from harness.bundles import signer_of
from server import check
from server.commands.bundles import save_bundle
from tests.checked_bundles import BUNDLE, CHECK, FIRST, LOG, PQ_WITNESS, key


class TestAlone:
    """It can be copied away and run years later."""

    def test_it_imports_cryptography_and_the_standard_library_only(self) -> None:
        imported = set()
        for node in ast.walk(ast.parse(CHECK.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
        rooms = {name.partition(".")[0] for name in imported}
        assert "cryptography" in rooms
        assert rooms - {"cryptography"} <= sys.stdlib_module_names

    def test_it_has_the_version_of_the_release_it_came_with(self, capsys: pytest.CaptureFixture[str]) -> None:
        project = tomllib.loads((CHECK.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert check.__version__ == project["version"]
        with pytest.raises(SystemExit, match=r"^0$"):
            check.main(["--version"])
        assert capsys.readouterr().out.endswith(f" {check.__version__}\n")

    def test_it_can_be_started_as_a_program(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        command: list[str | Path] = [CHECK, tmp_path / "bundle", "--public-key", str(FIRST.verifier_key(LOG.origin))]
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # python3, with cryptography
        done = subprocess.run(command, capture_output=True, env={**os.environ, "PATH": path}, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")

    def test_its_sections_are_in_the_order_of_the_steps_that_are_reported(self) -> None:
        sections = re.findall(r"(?m)^# ---- (\d+)\. ([a-z. ]+): ", CHECK.read_text(encoding="utf-8"))
        steps = [step.name for step in check.check(BUNDLE, [key(FIRST)]).steps]
        assert sections == [(str(number), name) for number, name in enumerate(steps, 1)]

    @pytest.mark.parametrize("name", ["bundle", "bundle.zip"])
    def test_a_copy_runs_where_nothing_else_is_installed(self, name: str, tmp_path: Path) -> None:
        packages = tmp_path / "packages"
        packages.mkdir()
        for module in (cryptography, cffi):
            directory = Path(str(module.__file__)).parent
            (packages / directory.name).symlink_to(directory)
        for library in Path(str(cffi.__file__)).parent.parent.glob("_cffi_backend*"):
            (packages / library.name).symlink_to(library)
        alone = tmp_path / "alone"
        alone.mkdir()
        (alone / "check.py").write_bytes(CHECK.read_bytes())
        pq = signer_of(1, ml_dsa=True)
        note = PQ_WITNESS.cosign(LOG.checkpoint(11, pq), 1_767_225_800)
        save_bundle(LOG.bundle(5, note), alone / name)
        (alone / "keys.txt").write_text("\n".join(map(str, pq.verifier_keys(LOG.origin))), encoding="utf-8")
        (alone / "witness.txt").write_text(str(PQ_WITNESS.verifier_key), encoding="utf-8")
        program = "import runpy, sys; sys.path.append(sys.argv.pop(1)); runpy.run_path('check.py', run_name='__main__')"
        arguments = [packages, name, "--public-key", "keys.txt", "--witness", "witness.txt"]

        # -I and -S: no environment, no current directory, no site-packages.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", program, *map(str, arguments)],
            cwd=alone,
            capture_output=True,
            encoding="utf-8",
            env={"PYTHONIOENCODING": "utf-8", "PATH": ""},
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "✔ Proved" in done.stdout

    def test_a_terminal_that_knows_ascii_only_is_no_obstacle(self, tmp_path: Path) -> None:
        save_bundle(BUNDLE, tmp_path / "bundle")
        command: list[str | Path] = [
            sys.executable,
            CHECK,
            tmp_path / "bundle",
            "--public-key",
            str(FIRST.verifier_key(LOG.origin)),
        ]
        done = subprocess.run(
            command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\\u2714 Proved" in done.stdout
