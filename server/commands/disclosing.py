"""The values to which a record has commitments: which of them are wanted, and what they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from lognotary.v1 import disclosures_pb2
from server.errors.base import LognotaryError
from server.errors.suggestions import not_one_of
from server.notary.commitment import commitment_of
from server.notary.counted import counted
from server.notary.disclosure import Commitment, OpenedValue

__all__ = ["ALL", "NotDisclosedError", "chosen", "disclosed", "opened_values", "short"]

ALL = "all"
"""Word for all commitments of a record."""

_AT_ONCE = 1000
_SHORT = 12  # digits


class NotDisclosedError(LognotaryError):
    """A value that is wanted cannot be disclosed; the message says why."""

    exit_status = 1


def short(commitment: Commitment) -> str:
    """Return the beginning of a commitment's digits, as shown to people and accepted on the command line."""
    return commitment.digest[:_SHORT]


def chosen(commitments: Sequence[Commitment], wanted: Iterable[str]) -> list[Commitment]:
    """Return those of a record's commitments that are wanted, in their order; none that the sender wrote.

    Args:
        commitments: the record's commitments.
        wanted: ``all``, names of rules, and commitments in hexadecimal or their beginnings.

    Raises:
        NotDisclosedError: the record does not have one that is wanted, or the sender wrote it.
    """
    found: set[Commitment] = set()
    senders = [each for each in commitments if each.is_senders]
    commitments = [each for each in commitments if not each.is_senders]
    for word in wanted:
        matching = [each for each in commitments if word in (ALL, each.rule) or each.digest.startswith(word)]
        if not matching:
            raise NotDisclosedError(_missing(commitments, senders, word))
        if len({each.digest for each in matching}) > 1 and word not in (ALL, *(each.rule for each in matching)):
            raise NotDisclosedError(f"{word} begins {len(matching)} commitments of the record: give more digits")
        found |= set(matching)
    return [each for each in commitments if each in found]


def _missing(commitments: Sequence[Commitment], senders: Sequence[Commitment], word: str) -> str:
    if any(word in (ALL, each.rule) or each.digest.startswith(word) for each in senders):
        return (
            "the sender of the record wrote this text that looks like a commitment: the record does not list it among "
            "those that the server has made, so there is nothing to disclose"
        )
    if not commitments:
        return "the record has no commitments to values, so there is nothing to disclose"
    names = dict.fromkeys([ALL, *(each.rule for each in commitments), *map(short, commitments)])
    return f"the record does not have this commitment: {not_one_of(word, list(names))}"


def disclosed(
    disclose: Callable[[disclosures_pb2.DiscloseRequest], disclosures_pb2.DiscloseResponse],
    commitments: Sequence[Commitment],
) -> dict[str, OpenedValue]:
    """Return what is still disclosed of commitments, by their digits, each checked against its commitment.

    Args:
        disclose: the call to a server or storage.
        commitments: the commitments.
    """
    found = {}
    digests = list(dict.fromkeys(each.digest for each in commitments))
    for some in (digests[begin : begin + _AT_ONCE] for begin in range(0, len(digests), _AT_ONCE)):
        for value in disclose(disclosures_pb2.DiscloseRequest(commitments=some)).values:
            if value.commitment in some and commitment_of(value.salt, value.value) == value.commitment:
                found[value.commitment] = OpenedValue(value.rule, value.salt, value.value)
    return found


def opened_values(commitments: Sequence[Commitment], found: Mapping[str, OpenedValue]) -> list[OpenedValue]:
    """Return the values of commitments, each by the rule that the record names.

    Raises:
        NotDisclosedError: some of the values are gone.
    """
    if gone := [each for each in commitments if each.digest not in found]:
        listed = ", ".join(f"{short(each)} ({each.rule})" for each in gone)
        options = " ".join(f"--keep-closed {short(each)}" for each in gone)
        raise NotDisclosedError(
            f"{counted(len(gone), 'value is', 'values are')} erased or older than retention_disclosures, and cannot be "
            f"disclosed: {listed}. To write the bundle without {'it' if len(gone) == 1 else 'them'}, add {options}"
        )
    return [OpenedValue(each.rule, found[each.digest].salt, found[each.digest].value) for each in commitments]
