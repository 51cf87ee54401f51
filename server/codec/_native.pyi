"""Types of the compiled codec; ``native/binding.pyx`` is its source."""

from collections.abc import Sequence

HAS_SHA256: bool

class RefusedError(Exception):
    args: tuple[int, int, int, int, int, int, int]
    # refusal; of what is unread: reason, number, level, resource logs, scope logs, record

class Rules:
    def __init__(self, program: bytes) -> None: ...

class Redaction:
    def __init__(self, key: bytes) -> None: ...
    def add_rule(self, name: bytes, mode: int) -> None: ...
    def add_word(
        self,
        words: list[bytes],
        rule: int,
        prose: bool,
        counts: bool,
        parts: bool,
        paths: bool,
        alone: bool,
        parameter: bool,
    ) -> None: ...
    def add_not_option(self, word: bytes) -> None: ...
    def add_kept_words(self, words: list[bytes]) -> None: ...
    def add_not_secret(self, word: bytes) -> None: ...
    def add_kept(self, key: bytes) -> None: ...
    def add_scheme(self, name: bytes, parameters: bool, of_header: bool) -> None: ...
    def add_prefix(
        self, text: bytes, stop: int, rule: int, characters: int, shortest: int, longest: int, digit: bool
    ) -> None: ...

class TextRedactor:
    def __init__(self, redaction: Redaction) -> None: ...
    def redact(self, text: bytes) -> bytes: ...
    def find(self, key: bytes) -> tuple[int, bool, bool, bool, bool, bool, bool] | tuple[()] | None: ...
    # rule, prose, counts, parts, paths, alone, parameter; () for a key whose values are kept

def has_text(text: bytes, wanted: bytes) -> bool: ...
def values_in(record: bytes) -> int: ...

Words = tuple[tuple[bytes, ...], bytes]  # dictionary, indexes
Map = tuple[bytes, tuple[bytes, ...], bytes, bytes]  # lengths, keys: dictionary and indexes, values
Table = tuple[int, int, int, list[bytes], list[Words], list[Map], list[bytes], bytes, list[int]]
# count, min_timestamp, max_timestamp, plain columns, word columns, map columns, lengths of arrays, leaf hashes, secrets
# that each rule of redaction has replaced

class Encoder:
    def __init__(
        self,
        rules: Rules,
        max_records: int,
        max_repeated: int,
        max_disclosed: int,
        redaction: Redaction,
        hash_operational: bool,
        hash_spans: bool,
    ) -> None: ...
    @property
    def capacity(self) -> int: ...
    @property
    def disclosed(self) -> tuple[list[tuple[int, bytes, bytes]], list[int], list[int]]: ...
    # of logs: rule, salt, value; numbers of those that are each audit record's own; where each record ends in these
    @property
    def disclosed_spans(self) -> list[tuple[int, bytes, bytes]]: ...
    @property
    def bytes_read(self) -> int: ...  # of texts that rules look into, since the encoder was built
    def encode(
        self,
        request: bytes,
        ingested_at: int,
        annotations: Sequence[tuple[int, bytes]],
        seed: bytes,
        tenant: bytes,
        sender: bytes,
    ) -> tuple[Table | None, Table | None]: ...
    def encode_spans(
        self, request: bytes, ingested_at: int, seed: bytes, tenant: bytes, sender: bytes
    ) -> Table | None: ...

class RegexScratch:
    @property
    def steps(self) -> int: ...

class Regex:
    def __init__(self, encoded: list[int]) -> None: ...
    def search(self, text: bytes, scratch: RegexScratch) -> tuple[bytes, ...] | None: ...
