"""The compiled codec: makes the same rows as the reference codec, without a Python object for each record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from server.codec import _native
from server.codec.annotations import Annotations, by_record
from server.codec.assemble import actors_of, assemble_rows
from server.codec.audit.program import rules_program
from server.codec.audit.rules import Rule
from server.codec.disclosures import Disclosure, with_actors
from server.codec.limits import (
    ROW_LIMITS,
    MalformedReason,
    RowLimits,
    malformed,
    too_many_disclosed,
    too_many_members,
    too_many_records,
)
from server.codec.provenance import NO_PROVENANCE, Provenance
from server.codec.redaction import Redactor
from server.codec.redaction_keys import key_words
from server.codec.redaction_rules import (
    HEADER_SCHEMES,
    KEPT,
    NO_REDACTION,
    NOT_OPTIONS,
    NOT_SECRET,
    PREFIXES,
    RULES,
    SCHEMES,
    KeyWord,
    Mode,
    Redaction,
)
from server.codec.request_look import Look, RequestLook
from server.codec.rows import ALL_STREAMS, Rows, with_disclosures
from server.codec.signals import Signal
from server.codec.unread import Level, Unread, UnreadReason, unread_error
from server.errors.ingest import PipelineError
from server.notary.commitment import random_salt
from server.notary.origin import Stream

__all__ = ["NativeCodec", "NativeLook"]

# Values of the C++ enum Refusal; the first three are the reasons for malformed bytes.
_WRONG = (MalformedReason.BROKEN, MalformedReason.NOT_UTF8, MalformedReason.TOO_DEEP)
_TOO_MANY_RECORDS = 3
_UNREAD = 5
_TOO_MANY_DISCLOSED = 6
_MOST_KEPT = 32 << 20  # bytes that an idle encoder may hold for the next request
_TIMES_KEPT = 4


class NativeCodec:
    """Codec that parses requests in C++, without the GIL; implements ``Codec``."""

    name = "native"

    def __init__(
        self,
        rules: Sequence[Rule],
        limits: RowLimits = ROW_LIMITS,
        hashed: Collection[Stream] = ALL_STREAMS,
        redaction: Redaction = NO_REDACTION,
        seeds: Callable[[], bytes] = random_salt,
    ) -> None:
        """Build a codec.

        Args:
            rules: audit rules, tried in order.
            limits: limits on the rows of one request.
            hashed: streams whose rows get leaf hashes; audit records get them in any case.
            redaction: redaction of secrets.
            seeds: returns random bytes for each request, from which salts follow.
        """
        self._seeds = seeds if redaction.uses(Mode.DISCLOSE) else bytes
        self._hashed = Stream.OPERATIONAL in hashed, Stream.SPANS in hashed
        self._limits = limits
        self._redaction = _native_redaction(redaction)
        self._idle: list[_native.Encoder] = []
        self._rules = _native.Rules(rules_program(tuple(rules)))

    @contextmanager
    def _encoder(self, request: bytes, signal: Signal) -> Iterator[_native.Encoder]:
        # There are as many encoders as threads that encode at the same time.
        try:
            encoder = self._idle.pop()
        except IndexError:
            limits = self._limits
            encoder = _native.Encoder(
                self._rules, limits.records, limits.repeated, limits.disclosed, self._redaction, *self._hashed
            )
        try:
            yield encoder
        except _native.RefusedError as refused:
            raise _refusal(request, refused, self._limits, signal) from None
        finally:
            # An encoder also keeps lists and texts. Their size is not counted, but it grows with the request's size.
            if max(encoder.capacity, _TIMES_KEPT * len(request)) <= _MOST_KEPT:
                self._idle.append(encoder)

    def encode(
        self,
        request: bytes,
        ingested_at: int,
        annotations: Annotations = (),
        provenance: Provenance = NO_PROVENANCE,
    ) -> list[Rows]:
        """Decode, classify and encode a request; see ``Codec``."""
        tenant, sender = provenance.columns.values()
        with self._encoder(request, Signal.LOGS) as encoder:
            by_number = by_record(annotations) if annotations else ()
            audit, operational = encoder.encode(request, ingested_at, by_number, self._seeds(), tenant, sender)
            disclosed, own, ends = encoder.disclosed
        tables = ((Stream.AUDIT, audit), (Stream.OPERATIONAL, operational))
        rows = [assemble_rows(stream, table, provenance.owner) for stream, table in tables if table is not None]
        disclosures = _disclosures(disclosed)
        if disclosures and audit is not None:
            owned = _owned(disclosures, own, ends)
            disclosures = with_actors(disclosures, zip(owned, actors_of(audit), strict=True))
        return with_disclosures(rows, disclosures)

    def encode_spans(self, request: bytes, ingested_at: int, provenance: Provenance = NO_PROVENANCE) -> list[Rows]:
        """Decode and encode a traces request; see ``Codec``."""
        tenant, sender = provenance.columns.values()
        with self._encoder(request, Signal.TRACES) as encoder:
            table = encoder.encode_spans(request, ingested_at, self._seeds(), tenant, sender)
            disclosed = encoder.disclosed_spans
        rows = [assemble_rows(Stream.SPANS, table, provenance.owner)] if table is not None else []
        return with_disclosures(rows, _disclosures(disclosed))


class NativeLook(RequestLook):
    """A look with the compiled codec, which takes little time and memory."""

    def __init__(self, redaction: Redaction, limits: RowLimits) -> None:
        """Look with a redaction, and with limits on the rows of one request."""
        super().__init__(redaction, limits)
        self._codec = NativeCodec((), limits, hashed=(), redaction=redaction)
        self._compiled = _native_redaction(redaction)

    def memory(self, request: bytes) -> int:  # noqa: ARG002 - it makes no objects of it
        """As ``RequestLook.memory``."""
        return 0

    def look(self, request: bytes) -> Look:
        """As ``RequestLook.look``."""
        rows = self._codec.encode(request, 0)
        return Look(any(each.redactions for each in rows), sum(each.size for each in rows))

    def redactor(self) -> Redactor:
        """As ``RequestLook.redactor``."""
        return super().redactor().compiled(_NativeTexts(_native.TextRedactor(self._compiled)))

    def values(self, record: bytes) -> int:
        """As ``RequestLook.values``."""
        return _native.values_in(record)


class _NativeTexts:
    """Compiled redaction of texts; implements ``CompiledTexts``."""

    def __init__(self, texts: _native.TextRedactor) -> None:
        self.redact = texts.redact
        self._find = texts.find

    def keeps(self, key: bytes) -> bool:
        """Return whether the values of a key are never redacted."""
        return self._find(key) == ()

    def find(self, key: bytes) -> KeyWord | None:
        """Return what makes a key secret, None if it is not; its words are left out."""
        found = self._find(key)
        if not found:
            return None
        rule, *flags = found
        return KeyWord((), RULES[rule], *flags)


def _disclosures(disclosed: Sequence[tuple[int, bytes, bytes]]) -> tuple[Disclosure, ...]:
    return tuple(Disclosure(RULES[rule], salt, value) for rule, salt, value in disclosed)


def _owned(disclosures: Sequence[Disclosure], own: Sequence[int], ends: Sequence[int]) -> Iterator[list[bytes]]:
    """Yield the commitments that are each audit record's own."""
    digits = [disclosure.commitment.encode() for disclosure in disclosures]
    for start, end in pairwise((0, *ends)):
        yield [digits[number] for number in own[start:end]]


def _native_redaction(redaction: Redaction) -> _native.Redaction:
    made = _native.Redaction(redaction.key)
    for rule in RULES:
        made.add_rule(rule.encode(), list(Mode).index(redaction.mode_of(rule)))
    for word in key_words(redaction):
        flags = (word.prose, word.counts, word.parts, word.paths, word.alone, word.parameter)
        made.add_word(list(word.words), RULES.index(word.rule), *flags)
    for text in NOT_SECRET:
        made.add_not_secret(text)
    for text in NOT_OPTIONS:
        made.add_not_option(text)
    for words in KEPT:
        made.add_kept_words(list(words))
    for key in redaction.keep:
        made.add_kept(key.encode().lower())
    for scheme, parameters in SCHEMES.items():
        made.add_scheme(scheme, parameters, False)
    for scheme in HEADER_SCHEMES:
        made.add_scheme(scheme, False, True)
    for prefix in PREFIXES:
        number, characters = RULES.index(prefix.rule), prefix.characters.value
        made.add_prefix(prefix.text, prefix.stop, number, characters, prefix.shortest, prefix.longest, prefix.digit)
    return made


def _refusal(request: bytes, refused: _native.RefusedError, limits: RowLimits, signal: Signal) -> PipelineError:
    number, reason, field, level, *place = refused.args
    if number < len(_WRONG):
        return malformed(request, _WRONG[number], signal)
    if number == _UNREAD:
        return unread_error(Unread(UnreadReason(reason), field, Level(level), *place), signal)
    if number == _TOO_MANY_DISCLOSED:
        return too_many_disclosed(limits)
    return too_many_records(limits, signal) if number == _TOO_MANY_RECORDS else too_many_members()
