"""The table of the explorer's folders in CONTRIBUTING.md, held against what their modules import; tables by text."""

from __future__ import annotations

import re
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "server" / "explorer" / "web"
SECTION = re.compile(r"^## The explorer$(.*?)^## ", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| (?P<folders>`[^|]+) \| (?P<imports>[^|]+) \|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")
VALUES = re.compile(r"""^(?:import|export)\s(?!type\b)[^;]*?from\s"(\.[^"]+)\"""", re.MULTILINE)
TABLE = re.compile(r"\b(?:const|let) (\w+): (?:Readonly<|Partial<)*Record<string,")
IMPORT = re.compile(r"""(?:from|import\()\s*"\.\./(\w+)/""")


def table() -> dict[str, set[str]]:
    """Folder -> the folders that CONTRIBUTING.md lets it import."""
    section = SECTION.search((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert section
    return {
        folder: set(NAME.findall(row["imports"]))
        for row in ROW.finditer(section[1])
        for folder in NAME.findall(row["folders"])
    }


def imported() -> dict[str, set[str]]:
    """Folder -> the other folders that its modules import."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in WEB.glob("*/*.ts*"):
        if file.parent.name != "node_modules":
            found[file.parent.name] |= set(IMPORT.findall(file.read_text(encoding="utf-8")))
    return dict(found)


def test_every_folder_of_the_page_is_in_the_table() -> None:
    assert set(imported()) == set(table())


def test_folders_import_what_the_table_lets_them() -> None:
    wrong = {folder: found - table()[folder] - {folder} for folder, found in imported().items()}
    assert {folder: others for folder, others in wrong.items() if others} == {}


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {file.with_suffix("") for file in WEB.glob("*/*.ts*") if file.parent.name != "node_modules"}
    texts = {module: next(module.parent.glob(f"{module.name}.ts*")).read_text(encoding="utf-8") for module in modules}
    imports = {
        module: {(module.parent / path).resolve() for path in VALUES.findall(text)} & modules
        for module, text in texts.items()
    }
    assert sum(map(len, imports.values())) > len(modules)
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules


def test_tables_by_text_are_not_asked_for_what_every_object_inherits() -> None:
    """A name such as ``__proto__`` in a link or a record must not reach the prototype of a table (common/own.ts)."""
    texts = {
        str(file.relative_to(WEB)): file.read_text(encoding="utf-8")
        for file in [*WEB.glob("*.ts*"), *WEB.glob("*/*.ts*")]
        if file.parent.name != "node_modules" and ".test." not in file.name
    }
    exported = {name for text in texts.values() for name in TABLE.findall(text) if f"export const {name}" in text}
    wrong = []
    for file, text in texts.items():
        taken = set(re.findall(r"\w+", " ".join(re.findall(r"^import \{(.*?)\}", text, re.MULTILINE | re.DOTALL))))
        for name in {*TABLE.findall(text), *(taken & exported)}:
            asked = re.compile(rf"^.*(?:(?<![\w.]){name}\[(?!\")| in {name}\b).*$", re.MULTILINE)
            wrong += [f"{file}: {line.strip()}" for line in asked.findall(text) if f"hasOwn({name}," not in line]
    assert len(exported) > 3
    assert wrong == []
