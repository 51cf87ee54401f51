"""Types of the compiled codec; ``native/binding.pyx`` is its source."""

HAS_SHA256: bool

class RefusedError(Exception):
    args: tuple[int, int, int, int, int, int, int]
    # refusal; of what is unread: reason, number, level, resource logs, scope logs, record

class Rules:
    def __init__(self, program: bytes) -> None: ...

Words = tuple[tuple[bytes, ...], bytes]  # dictionary, indexes
Map = tuple[bytes, tuple[bytes, ...], bytes, bytes]  # lengths, keys: dictionary and indexes, values
Table = tuple[int, int, int, list[bytes], list[Words], list[Map], list[bytes], bytes]
# count, min_timestamp, max_timestamp, plain columns, word columns, map columns, lengths of arrays, leaf hashes

class Encoder:
    def __init__(
        self, rules: Rules, max_records: int, max_repeated: int, hash_operational: bool, hash_spans: bool
    ) -> None: ...
    @property
    def capacity(self) -> int: ...
    @property
    def bytes_read(self) -> int: ...  # of texts that rules look into, since the encoder was built
    def encode(self, request: bytes, ingested_at: int) -> tuple[Table | None, Table | None]: ...
    def encode_spans(self, request: bytes, ingested_at: int) -> Table | None: ...

class RegexScratch:
    @property
    def steps(self) -> int: ...

class Regex:
    def __init__(self, encoded: list[int]) -> None: ...
    def search(self, text: bytes, scratch: RegexScratch) -> tuple[bytes, ...] | None: ...
