"""Builds what is not Python: the compiled codec, the compiled hashing, and the explorer's page.

If something that they need is missing, the installation succeeds without them: see ``build_support/``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup

sys.path.insert(0, str(Path(__file__).resolve().parent))  # build backends do not have it

from build_support.commands import Build, BuildExplorer
from build_support.compiled import BuildExt, extensions
from build_support.explorer import explorer_requirements

setup(
    ext_modules=extensions(),
    # Only if Node.js is missing here. The build backend reports it as a requirement of the build (PEP 517).
    setup_requires=explorer_requirements(),
    cmdclass={"build": Build, "build_ext": BuildExt, "build_explorer": BuildExplorer},
)
