"""Build of the compiled codec and the compiled hashing.

If something that they need is missing, the installation succeeds: the same in Python remains.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from subprocess import SubprocessError

from Cython.Build import cythonize
from setuptools import Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, CompileError, LinkError

__all__ = ["BuildExt", "extensions"]

_NOTARY_FOLDER, _CODEC_FOLDER = Path("server/notary/native"), Path("server/codec/native")
_CODEC, _HASHING = "server.codec._native", "server.notary._native"
_INSTEAD = {
    _CODEC: "the compiled codec is left out, the reference codec takes its place",
    _HASHING: "the compiled hashing is left out, hashlib takes its place",
}
_PROBE = """\
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
int main(void) { SHA256_CTX context; return !SHA256_Init(&context); }
"""


class BuildExt(build_ext):
    """Build of extensions, which uses libcrypto if it can be linked."""

    extensions: list[Extension]

    def build_extension(self, ext: Extension) -> None:
        """Build an extension, or leave it out with a warning."""
        try:
            if self._has_libcrypto():
                ext.define_macros.append(("LOGNOTARY_LIBCRYPTO", "1"))
                ext.libraries.append("crypto")
            elif ext.name == _HASHING:
                raise LinkError("libcrypto cannot be linked")
            else:
                self.warn("libcrypto cannot be linked: the compiled codec hashes with hashlib")
            super().build_extension(ext)
        except (BaseError, CCompilerError, OSError, SubprocessError) as error:
            self.warn(f"{_INSTEAD[ext.name]}: {error}")
            self.extensions = [other for other in self.extensions if other is not ext]  # nothing to copy

    def _has_libcrypto(self) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "probe.c"
            source.write_text(_PROBE, encoding="utf-8")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder)
                self.compiler.link_executable(objects, str(Path(folder) / "probe"), libraries=["crypto"])
            except (CompileError, LinkError):
                return False
        return True


def extensions() -> list[Extension]:
    """Return the C++ extensions; the current directory must be the root of the project."""
    described = [_extension(_CODEC, _CODEC_FOLDER, _NOTARY_FOLDER), _extension(_HASHING, _NOTARY_FOLDER)]
    found: list[Extension] = cythonize(described, build_dir="build/cython", force=False)
    return found


def _extension(name: str, folder: Path, *shared: Path) -> Extension:
    """Describe an extension: a folder's sources, and headers of its own and of others. Paths are relative."""
    folders = (folder, *shared)
    return Extension(
        name,
        sources=[str(folder / "binding.pyx"), *sorted(map(str, folder.glob("*.cpp")))],
        depends=sorted(str(header) for where in folders for header in where.glob("*.hpp")),
        include_dirs=[str(where) for where in folders],
        language="c++",
        extra_compile_args=["-std=c++17", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
    )
