"""Conditions as SQL. Each text and number of a condition is a bound parameter; no text becomes SQL.

What an index serves is written as the definition of the index has it (``storage/migrations``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from server.notary.canonical_columns import Kind, canonical_columns
from server.notary.origin import Stream
from storage.conditions import (
    AllOf,
    AnyAttribute,
    AnyOf,
    Attribute,
    Column,
    Condition,
    End,
    Exists,
    HasWords,
    HasWordsLike,
    Holds,
    IntegerWithin,
    IsOneOf,
    Negated,
    NumberWithin,
    Place,
    Resembles,
    SeverityWithin,
    TextWithin,
    TimeWithin,
    ascii_lower,
    words_of,
)

__all__ = ["SEVERITY_NAMES", "SqlCondition", "compile_condition"]

SEVERITY_NAMES: Mapping[str, int] = {
    "TRACE": 1,
    "VERBOSE": 1,
    "DEBUG": 5,
    "INFO": 9,
    "INFORMATION": 9,
    "INFORMATIONAL": 9,
    "NOTICE": 10,
    "WARN": 13,
    "WARNING": 13,
    "ERR": 17,
    "ERROR": 17,
    "SEVERE": 17,
    "CRIT": 21,
    "CRITICAL": 21,
    "ALERT": 21,
    "FATAL": 21,
    "EMERG": 21,
    "EMERGENCY": 21,
    "PANIC": 21,
}
"""Severity text, in upper case -> the severity number that it stands for in records without a number."""

_KINDS = {
    "text": frozenset({Kind.STRING, Kind.WORD}),
    "number": frozenset({Kind.UINT8, Kind.UINT32}),
    "time": frozenset({Kind.TIME}),
    "map": frozenset({Kind.MAP}),
}
_EVIDENCE_COLUMNS = {"text": frozenset({"LogId"}), "number": frozenset({"LeafIndex"})}
_NO_TIME = "fromUnixTimestamp64Nano(0)"
_NUMBER = r"'^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$'"
_BETWEEN_WORDS = r"[\x00-\x2f\x3a-\x60\x7b-\x7f]"  # in lower case, each ASCII character that is in no word


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition as SQL, true or false for each row.

    Attributes:
        text: the expression.
        parameters: the values of its ``{name:Type}`` placeholders.
    """

    text: str
    parameters: Mapping[str, object]


def compile_condition(stream: Stream, condition: Condition) -> SqlCondition:
    """Return the SQL of a condition for a stream's table.

    Raises:
        ValueError: the condition names a column that the table does not have, or has as another type; or the key of an
            attribute is empty.
    """
    compiler = _Compiler(stream)
    return SqlCondition(compiler.condition(condition), compiler.parameters)


@dataclass(slots=True)
class _Compiler:
    stream: Stream
    parameters: dict[str, object] = field(default_factory=dict)

    def condition(self, condition: Condition) -> str:
        match condition:
            case AllOf(parts):
                return " AND ".join(f"({self.condition(part)})" for part in parts) or "1"
            case AnyOf(parts):
                return " OR ".join(f"({self.condition(part)})" for part in parts) or "0"
            case Negated(part):
                return f"NOT ({self.condition(part)})"
            case IsOneOf(place, texts):
                return self._is_one_of(place, texts)
            case Exists(place):
                return self._exists(place)
            case HasWords(column, text):
                return self._has_words(self._column(column, "text"), text)
            case HasWordsLike(column, pieces):
                return self._has_words_like(self._column(column, "text"), pieces)
            case TimeWithin():
                return self._time_within(condition)
            case IntegerWithin(column, low, high):
                return self._integer_within(self._column(column, "number"), low, high, "UInt64")
            case SeverityWithin(low, high):
                return self._integer_within(_severity(), low, high, "UInt8")
            case _:
                return self._about_text(condition)

    def _about_text(self, condition: Holds | Resembles | TextWithin | NumberWithin) -> str:
        text = self._text(condition.place)
        match condition:
            case Holds(_, part):
                return f"position(lower({text}), {self._bind(ascii_lower(part))}) > 0"
            case Resembles(_, pieces, ignores_case):
                pattern = "%".join(map(_like, pieces))
                if ignores_case:
                    return f"lower({text}) LIKE {self._bind(ascii_lower(pattern))}"
                return f"{text} LIKE {self._bind(pattern)}"
            case TextWithin(_, low, high):
                return " AND ".join([f"{text} != ''", *self._ends(text, low, high, "{}")])
            case NumberWithin(_, low, high):
                ends = self._ends(f"toFloat64OrZero({text})", low, high, "toFloat64OrZero({})")
                return " AND ".join([f"match({text}, {_NUMBER})", *ends])

    def _is_one_of(self, place: Place, texts: Sequence[str]) -> str:
        if isinstance(place, AnyAttribute) and "" not in texts:
            # Two conditions about one map each, not one about both, since an index is about one map.
            own, shared = Attribute("LogAttributes", place.key), Attribute("ResourceAttributes", place.key)
            without = f"NOT ({self._exists(own)})"
            return f"{self._equals(own, texts)} OR {without} AND {self._equals(shared, texts)}"
        return self._equals(place, texts)

    def _equals(self, place: Place, texts: Sequence[str]) -> str:
        text = self._text(place)
        equal = [f"{text} = {self._bind(one)}" for one in texts]
        return f"({' OR '.join(equal)})" if equal else "0"

    def _exists(self, place: Place) -> str:
        match place:
            case Column():
                return f"{self._column(place, 'text')} != ''"
            case Attribute(_, key):
                return f"mapContains({self._map(place)}, {self._bind(key)})"
            case AnyAttribute(key):
                bound = self._bind(key)
                return f"mapContains(LogAttributes, {bound}) OR mapContains(ResourceAttributes, {bound})"

    def _has_words(self, column: str, text: str) -> str:
        sought = ascii_lower(text)
        words = list(dict.fromkeys(words_of(sought)))
        conditions = [self._all_words(column, words)] if words else []
        if words != [sought]:
            conditions.append(f"position(lower({column}), {self._bind(sought)}) > 0")
        return " AND ".join(conditions)

    def _has_words_like(self, column: str, pieces: Sequence[str]) -> str:
        sought = [ascii_lower(piece) for piece in pieces]
        first = f"(?:^|{_BETWEEN_WORDS})" if _begins_word(sought[0]) else ""
        last = f"(?:{_BETWEEN_WORDS}|$)" if _ends_word(sought[-1]) else ""
        pattern = r"[^ \t\r\n]*".join(map(_regular, sought))
        conditions = [f"match(lower({column}), {self._bind(f'(?s){first}{pattern}{last}')})"]
        if words := list(dict.fromkeys(_whole_words(sought))):
            conditions.insert(0, self._all_words(column, words))
        return " AND ".join(conditions)

    def _all_words(self, column: str, words: list[str]) -> str:
        return f"hasAll(tokens(lower({column})), {self._bind(words, 'Array(String)')})"

    def _time_within(self, condition: TimeWithin) -> str:
        column = self._column(condition.column, "time")
        ends = []
        for end, sign in ((condition.since, ">="), (condition.until, "<")):
            if end is not None:
                moment = f"fromUnixTimestamp64Nano({self._bind(end, 'Int64')})"
                compared = f"{column} {sign} {moment}"
                if condition.or_received:
                    received = f"{column} = {_NO_TIME} AND IngestedAt {sign} {moment}"
                    compared = f"({column} != {_NO_TIME} AND {compared} OR {received})"
                ends.append(compared)
        return " AND ".join(ends) or "1"

    def _integer_within(self, value: str, low: int | None, high: int | None, kind: str) -> str:
        ends = [
            f"{value} {sign} {self._bind(end, kind)}" for end, sign in ((low, ">="), (high, "<=")) if end is not None
        ]
        return " AND ".join(ends) or "1"

    def _ends(self, value: str, low: End | None, high: End | None, form: str) -> list[str]:
        return [
            f"{value} {sign}{'=' if end.included else ''} {form.format(self._bind(end.text))}"
            for end, sign in ((low, ">"), (high, "<"))
            if end is not None
        ]

    def _text(self, place: Place) -> str:
        match place:
            case Column():
                return self._column(place, "text")
            case Attribute(_, key):
                return f"{self._map(place)}[{self._bind(key)}]"
            case AnyAttribute(key):
                bound = self._bind(key)
                own = f"LogAttributes[{bound}]"
                return f"if(mapContains(LogAttributes, {bound}), {own}, ResourceAttributes[{bound}])"

    def _map(self, place: Attribute) -> str:
        if not place.key:
            raise ValueError("the key of an attribute is empty: ClickHouse 26.7 does not find such keys")
        return self._column(Column(place.map), "map")

    def _column(self, column: Column, kind: str) -> str:
        """Return the name of a column, which is one of the table's: not a text from elsewhere."""
        for known in canonical_columns(self.stream):
            if known.name == column.name and known.kind in _KINDS[kind]:
                return known.name
        for name in _EVIDENCE_COLUMNS.get(kind, ()):
            if name == column.name:
                return name
        raise ValueError(f"there is no column {column.name!r} for {kind} of {self.stream.value} records")

    def _bind(self, value: object, kind: str = "String") -> str:
        name = f"q{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"


def _severity() -> str:
    names = ", ".join(f"'{name}'" for name in SEVERITY_NAMES)
    numbers = ", ".join(f"toUInt8({number})" for number in SEVERITY_NAMES.values())
    told = f"transform(upper(toString(SeverityText)), [{names}], [{numbers}], toUInt8(0))"
    return f"if(SeverityNumber != 0, SeverityNumber, {told})"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _regular(text: str) -> str:
    """Return the regular expression (RE2) of a text."""
    return "".join(letter if letter.isalnum() or not letter.isascii() else f"\\x{ord(letter):02x}" for letter in text)


def _is_in_word(letter: str) -> bool:
    return not letter.isascii() or letter.isalnum()


def _begins_word(piece: str) -> bool:
    return bool(piece) and _is_in_word(piece[0])


def _ends_word(piece: str) -> bool:
    return bool(piece) and _is_in_word(piece[-1])


def _whole_words(pieces: Sequence[str]) -> list[str]:
    """Return the words of pieces that are whole words wherever the pieces match: no asterisk is right beside them."""
    found = []
    for number, piece in enumerate(pieces):
        words = list(words_of(piece))
        if words and number > 0 and _begins_word(piece):
            del words[0]
        if words and number < len(pieces) - 1 and _ends_word(piece):
            del words[-1]
        found += words
    return found
