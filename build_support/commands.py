"""Commands of setuptools for the build."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from setuptools import Command
from setuptools.command.build import build
from setuptools.errors import BaseError

from build_support.explorer import SWITCH, ExplorerError, build_page, page_sources
from build_support.node import OLDEST

__all__ = ["Build", "BuildExplorer"]

_WEB, _STATIC = Path("server/explorer/web"), Path("server/explorer/static")
_REASON = _STATIC / "not-built.txt"


class BuildExplorer(Command):
    """Build of the explorer's page; a part of ``build`` (``setuptools.command.build.SubCommand``)."""

    description = f"build the explorer's page, with Node.js {'.'.join(map(str, OLDEST))} or newer"
    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 - setuptools reads it from the class
    editable_mode: bool
    build_lib: str | None

    def initialize_options(self) -> None:
        """Set the defaults."""
        self.editable_mode, self.build_lib = False, None

    def finalize_options(self) -> None:
        """Take over where ``build`` puts files."""
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    def run(self) -> None:
        """Build the page beside its sources; ``build_py`` copies it, as data of the package."""
        if self.build_lib and not self.editable_mode:
            # Names of assets change with their content: those of an earlier build would get into the wheel.
            shutil.rmtree(Path(self.build_lib) / _STATIC, ignore_errors=True)
        wanted = os.environ.get(SWITCH, "")
        if wanted == "no":
            shutil.rmtree(_STATIC, ignore_errors=True)  # also what was built before
            self._leave_out(f"{SWITCH} was 'no'")
            return
        try:
            build_page(_WEB, with_tools=self.editable_mode, afresh=wanted == "required")
        except ExplorerError as error:
            if wanted == "required":
                raise BaseError(f"the explorer cannot be built: {error}") from error
            self._leave_out(str(error))
        else:
            _REASON.unlink(missing_ok=True)

    def _leave_out(self, why: str) -> None:
        if (_STATIC / "index.html").exists():
            self.warn(f"the explorer stays as it was built before: {why}")
            return
        self.warn(f"the explorer is left out, the server runs without its web page: {why}")
        _STATIC.mkdir(exist_ok=True)
        _REASON.write_text(f"{why}\n", encoding="utf-8")

    def get_source_files(self) -> list[str]:
        """Return the sources of the page, for source distributions."""
        return [str(file) for file in page_sources(_WEB)]

    def get_outputs(self) -> list[str]:
        """Return nothing: ``build_py`` knows the files, which are data of the package."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """Return nothing, as ``get_outputs``."""
        return {}


class Build(build):
    """Command ``build``, which builds the page before ``build_py`` looks for the data of packages."""

    sub_commands = [("build_explorer", None), *build.sub_commands]  # noqa: RUF012 - setuptools reads it from the class
