"""The compiled hashing reads nothing outside of what it is given: AddressSanitizer looks on."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from harness.lacking import lacking
from tests.fuzz.target import CompilerMissingError, find_compiler

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parents[1] / "server" / "notary" / "native"
CASES = 20_000
FLAGS = ("-std=c++17", "-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wall", "-Wextra")


def test_the_sanitizers_find_nothing_in_blocks_and_records_that_are_right_or_broken(tmp_path: Path) -> None:
    sources = ("blocks.cpp", "rows.cpp", "maps.cpp", "filter.cpp", "filter_program.cpp")
    found = re.fullmatch(r"(\d+) cases, (\d+) refused, (\d+) filtered\n", run("hashing_target.cpp", sources, tmp_path))
    assert found is not None
    # Neither only right blocks nor only broken ones.
    assert CASES / 10 < int(found[2]) < CASES * 9 / 10
    assert int(found[3]) > CASES / 100


def run(target: str, sources: Sequence[str], folder: Path) -> str:
    """Build a target with the sanitizers, and return what it prints."""
    try:
        compiler = find_compiler()
    except CompilerMissingError as error:
        lacking(f"no compiler for the sanitizers: {error}")
    program = folder / "target"
    files = [*(str(NATIVE / name) for name in sources), str(HERE / target)]
    built = subprocess.run(
        [compiler.path, *FLAGS, "-DLOGNOTARY_LIBCRYPTO=1", f"-I{NATIVE}", *files, "-lcrypto", "-o", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "openssl/sha.h" in built.stderr or "-lcrypto" in built.stderr:
        lacking("libcrypto cannot be linked")
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([str(program), str(CASES)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-6000:]
    return ran.stdout
