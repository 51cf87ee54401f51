"""Reader of CREATE statements, as migrations write them and as ClickHouse shows them, and of what migrations alter."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field, replace

__all__ = ["Column", "Index", "Table", "alter_table", "parse_create", "split"]

_LEXEME = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|\"(?:[^\"\\]|\\.)*\"|\w+|\s+|.", re.DOTALL)
_HEAD = re.compile(
    r"CREATE (?:OR REPLACE )?(?P<kind>(?:[A-Z]+ )??(?:TABLE|VIEW|DICTIONARY)) (?:IF NOT EXISTS )?"
    r"(?:(?:\w+|`[^`]*`)\.)?(?P<name>\w+|`[^`]*`)(?![.\w])"
)
_ALTER = re.compile(r"ALTER TABLE (?P<name>\w+) (?P<commands>.*)")
_DROP_INDEX = re.compile(r"DROP INDEX (?:IF EXISTS )?(?P<name>\w+)")
_DROP_COLUMN = re.compile(r"DROP COLUMN (?:IF EXISTS )?(?P<name>\w+|`[^`]*`)")
_ADD_COLUMN = re.compile(r"ADD COLUMN (?:IF NOT EXISTS )?(?P<definition>.*)")
_ADD_INDEX = re.compile(r"ADD INDEX (?:IF NOT EXISTS )?(?P<definition>.*)")
_NESTED = re.compile(r"Nested ?\((?P<parts>.*)\)")
_SETTINGS_OF_ALTER = re.compile(r" SETTINGS \w+ = \w+$")
_COLUMN_CLAUSES = (
    *("DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL"),
    *("COMMENT", "CODEC", "STATISTICS", "TTL", "PRIMARY", "SETTINGS", "COLLATE", "NULL", "NOT"),
)
_UNIMPORTANT = ("COMMENT", "CODEC", "STATISTICS")
_TABLE_CLAUSES = (
    *("ENGINE", "PARTITION BY", "PRIMARY KEY", "ORDER BY", "SAMPLE BY", "UNIQUE KEY"),
    *("TTL", "SETTINGS", "COMMENT", "AS"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its type, and what follows it but for codec, comment and statistics, as SQL."""

    type: str
    more: str = ""

    def __str__(self) -> str:
        """Return the column's definition as SQL."""
        return f"{self.type} {self.more}".strip()


@dataclass(frozen=True, slots=True)
class Index:
    """A skip index; its granularity is empty if the statement does not say it."""

    expression: str
    type: str
    granularity: str = ""

    def __str__(self) -> str:
        """Return the index's definition as SQL."""
        granularity = f" GRANULARITY {self.granularity}" if self.granularity else ""
        return f"{self.expression} TYPE {self.type}{granularity}"

    def same(self, other: Index) -> bool:
        """Return whether both are the same index, if what one does not say is its type's default."""
        return (self.expression, self.type) == (other.expression, other.type) and (
            self.granularity == other.granularity or not self.granularity or not other.granularity
        )


@dataclass(frozen=True, slots=True)
class Table:
    """A table, a view or a dictionary.

    Attributes:
        kind: TABLE, VIEW, MATERIALIZED VIEW, …
        name: its name without the database.
        engine: the engine with its arguments.
        columns: columns by name.
        indexes: skip indexes by name.
        others: projections and constraints by name, as SQL.
        clauses: PARTITION BY, ORDER BY and so on, as SQL.
        settings: values of settings by name, as SQL.
    """

    kind: str
    name: str
    engine: str = ""
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    clauses: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def parse_create(statement: str) -> Table:
    """Read a CREATE statement. What it cannot read becomes part of what precedes it, and is so compared with it."""
    sql = _one_line(statement)
    head = _HEAD.match(sql)
    if head is None:
        return Table("OTHER OBJECT", "")
    table = Table(head["kind"], _unquoted(head["name"]))
    if table.kind != "TABLE":
        return table
    parts = list(split(sql[head.end() :].strip(), by=" "))
    if parts and parts[0].startswith("("):
        for element in split(parts.pop(0)[1:-1], by=","):
            _add_element(table, element.strip())
    clauses = dict(_clauses(parts, _TABLE_CLAUSES))
    engine = clauses.pop("ENGINE", "").removeprefix("=").strip()
    engine = _unquoted(engine)
    for setting in split(clauses.pop("SETTINGS", ""), by=","):
        name, _, value = setting.partition("=")
        table.settings[name.strip()] = value.strip()
    clauses.pop("COMMENT", None)
    table.clauses.update(clauses)
    return Table(
        table.kind, table.name, engine, table.columns, table.indexes, table.others, table.clauses, table.settings
    )


def alter_table(tables: MutableMapping[str, Table], statement: str) -> None:
    """Apply the commands of an ALTER TABLE statement that drop or add columns or indexes; others change neither.

    Args:
        tables: tables by name, whose values are replaced.
        statement: the statement; one of another kind, or about another table, changes nothing.
    """
    altered = _ALTER.fullmatch(_one_line(statement))
    if altered is None or altered["name"] not in tables:
        return
    table = tables[altered["name"]]
    changed = replace(table, indexes=dict(table.indexes), columns=dict(table.columns))
    for command in split(_SETTINGS_OF_ALTER.sub("", altered["commands"]), by=","):
        if dropped := _DROP_INDEX.fullmatch(command):
            changed.indexes.pop(dropped["name"], None)
        elif gone := _DROP_COLUMN.fullmatch(command):
            changed.columns.pop(_unquoted(gone["name"]), None)
        elif new := _ADD_COLUMN.fullmatch(command):
            _add_element(changed, new["definition"])
        elif added := _ADD_INDEX.fullmatch(command):
            _add_element(changed, f"INDEX {added['definition']}")
    tables[changed.name] = changed


def _add_element(table: Table, element: str) -> None:
    parts = list(split(element, by=" "))
    if parts[0] == "INDEX" and "TYPE" in parts:
        at = parts.index("TYPE")
        kind, _, granularity = " ".join(parts[at + 1 :]).partition(" GRANULARITY ")
        table.indexes[_unquoted(parts[1])] = Index(" ".join(parts[2:at]), kind, granularity)
    elif parts[0] in ("PROJECTION", "CONSTRAINT", "INDEX", "FOREIGN", "PRIMARY"):
        table.others[_unquoted(parts[1])] = element
    else:
        words = [word for part in parts[1:] for word in _with_space(part)]
        clauses = list(_clauses(["TYPE", *words], ("TYPE", *_COLUMN_CLAUSES)))
        more = " ".join(f"{name} {text}".strip() for name, text in clauses[1:] if name not in _UNIMPORTANT)
        name, kind = _unquoted(parts[0]), clauses[0][1]
        if nested := _NESTED.fullmatch(kind):
            for part in split(nested["parts"], by=","):  # as ClickHouse shows it
                of, _, type_ = part.partition(" ")
                table.columns[f"{name}.{_unquoted(of)}"] = Column(f"Array({type_})", more)
        else:
            table.columns[name] = Column(kind, more)


def _with_space(part: str) -> list[str]:
    """Return a word and its brackets as two, if it begins a clause: CODEC(…)."""
    word, bracket, rest = part.partition("(")
    return [word, bracket + rest] if bracket and word in _COLUMN_CLAUSES else [part]


def _clauses(parts: list[str], names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield clauses as pairs of their name and what follows it; the text before the first has the name ''."""
    name, words = "", []
    at = 0
    while at < len(parts):
        new = next((one for one in names if parts[at : at + len(one.split())] == one.split()), None)
        if new is None:
            words.append(parts[at])
            at += 1
            continue
        if name or words:
            yield name, " ".join(words)
        name, words = new, []
        at += len(new.split())
    if name or words:
        yield name, " ".join(words)


def split(sql: str, by: str) -> Iterator[str]:
    """Split SQL of one line by a character outside of quotes and brackets; empty pieces are left out."""
    depth, piece = 0, ""
    for lexeme in _LEXEME.findall(sql):
        if lexeme == by and not depth:
            if piece.strip():
                yield piece.strip()
            piece = ""
            continue
        depth += (lexeme in "([{") - (lexeme in ")]}") if len(lexeme) == 1 else 0
        piece += lexeme
    if piece.strip():
        yield piece.strip()


def _one_line(sql: str) -> str:
    """Return SQL with single spaces, and none inside of brackets, so that layouts do not differ."""
    line = "".join(" " if lexeme.isspace() else lexeme for lexeme in _LEXEME.findall(sql)).strip()
    return "".join(_tidied(_LEXEME.findall(line)))


def _tidied(lexemes: list[str]) -> Iterator[str]:
    for at, lexeme in enumerate(lexemes):
        around = (lexemes[at - 1] if at else "(", lexemes[at + 1] if at + 1 < len(lexemes) else ")")
        if lexeme != " " or not (around[0] in ("(", "[") or around[1] in (")", "]", ",")):
            yield lexeme


def _unquoted(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name[1:-1]) if name.startswith("`") else name
