"""Builds the compiled codec. Whatever is missing for it, the installation succeeds: the reference codec remains."""

from __future__ import annotations

import tempfile
from pathlib import Path
from subprocess import SubprocessError

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError, CompileError, LinkError

_FOLDER = Path("server/otlp/native")
_PROBE = """\
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
int main(void) { SHA256_CTX context; return !SHA256_Init(&context); }
"""


class _BuildExt(build_ext):
    """Uses libcrypto where it can be linked."""

    def build_extension(self, ext: Extension) -> None:
        if self._has_libcrypto():
            ext.define_macros.append(("LOGNOTARY_LIBCRYPTO", "1"))
            ext.libraries.append("crypto")
        else:
            self.warn("libcrypto cannot be linked: the compiled codec hashes with hashlib")
        try:
            super().build_extension(ext)
        except (BaseError, CCompilerError, OSError, SubprocessError) as error:
            self.warn(f"the compiled codec is left out, the reference codec takes its place: {error}")
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


_codec = Extension(
    "server.otlp._native",
    # Relative, as setuptools wants it.
    sources=[str(_FOLDER / "binding.pyx"), *sorted(map(str, _FOLDER.glob("*.cpp")))],
    depends=sorted(map(str, _FOLDER.glob("*.hpp"))),
    include_dirs=[str(_FOLDER)],
    language="c++",
    extra_compile_args=["-std=c++17", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
)

setup(
    ext_modules=cythonize([_codec], build_dir="build/cython", force=False),
    cmdclass={"build_ext": _BuildExt},
)
