"""Chains of producers: each record names the one before it, and storage knows which records were claimed.

A record of a chain has links beside its claim (rows of the state ``LINK``): one that finds the record by its digest,
and one that finds it by the digest of the record before it. So one lookup finds both the record that another one names,
and all others that name the same. The links end with the claim if the record is not stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from server.codec.audit.producer_chain import ProducerChain
from server.codec.audit.strict_records import StrictRecord
from storage.audit_ids import IdRow, IdState, link_id

__all__ = ["KINDS", "Chains", "Link", "chain_breaks", "chains_of", "digest_link", "links_of"]

KINDS = ("previous", "fork", "number", "stream")
"""Kinds of breaks, which are the members of the annotation."""


@dataclass(frozen=True, slots=True)
class Link:
    """A record that another one may name, as its link has it.

    Attributes:
        number: its number in its producer's stream; None if it is not known.
        stream: identifier of the stream; None if it is not known.
    """

    number: int | None
    stream: UUID | None


@dataclass(frozen=True, slots=True)
class Chains:
    """Records that others name, as far as storage knows them.

    Attributes:
        known: digest -> the record with it.
        followers: digest -> digests of the records that name the one with it.
    """

    known: Mapping[bytes, Link] = field(default_factory=dict)
    followers: Mapping[bytes, Collection[bytes]] = field(default_factory=dict)


def links_of(claim: IdRow, chain: ProducerChain | None, state: IdState) -> list[IdRow]:
    """Return the links beside a claim, or with the state RELEASED the rows that end them.

    Args:
        claim: row of the claim.
        chain: the record's place in a chain; without one it has no links.
        state: LINK or RELEASED.
    """
    if chain is None:
        return []
    link = _link(chain)
    own = replace(
        digest_link(claim, state),
        instance=link.stream or UUID(int=0),
        leaf_index=0 if link.number is None else link.number + 1,
    )
    return [own, replace(claim, record_id=link_id(chain.predecessor), state=state)] if chain.predecessor else [own]


def digest_link(claim: IdRow, state: IdState) -> IdRow:
    """Return the link that finds a claim's record by its digest."""
    return replace(claim, record_id=link_id(claim.digest), state=state)


def chains_of(rows: Sequence[IdRow], digests: Iterable[bytes]) -> Chains:
    """Return what rows say about records that others name.

    Args:
        rows: all rows with the ``link_id`` of a digest; others do no harm.
        digests: the digests.
    """
    by_id = {link_id(digest): digest for digest in digests}
    ended = {(row.record_id, row.claim_id) for row in rows if row.state is IdState.RELEASED}
    known: dict[bytes, Link] = {}
    followers: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for row in rows:
        digest = by_id.get(row.record_id)
        if digest is None or row.state is not IdState.LINK or (row.record_id, row.claim_id) in ended:
            continue
        if row.digest != digest:
            followers[digest].add(row.digest)
        elif row.leaf_index:
            known[digest] = Link(row.leaf_index - 1, row.instance if row.instance.int else None)
        else:
            known.setdefault(digest, Link(None, None))
    return Chains(known, followers)


def chain_breaks(record: StrictRecord, chains: Chains, beside: Mapping[bytes, StrictRecord]) -> dict[str, Any]:
    """Return how the chain of a record is broken, as the content of its annotation; empty if it is not known to be.

    Args:
        record: the record.
        chains: what storage knows.
        beside: records that are stored with it or on their way, by digest.
    """
    chain = record.chain
    if chain is None or chain.previous is None:
        return {}
    if not (digest := chain.predecessor):
        return {} if chain.previous else {"previous": "unknown"}
    near = beside.get(digest)
    before = _link(near.chain) if near is not None and near.chain is not None else chains.known.get(digest)
    broken: dict[str, Any] = {}
    if before is None and near is None:
        broken["previous"] = "unknown"
    if any(other != record.digest for other in chains.followers.get(digest, ())):
        broken["fork"] = True
    if before is not None:
        stream = _link(chain).stream
        if before.number is not None and chain.number is not None and chain.number != before.number + 1:
            broken["number"] = "jump"
        if before.stream is not None and stream is not None and stream != before.stream:
            broken["stream"] = "changed"
    return broken


def _link(chain: ProducerChain) -> Link:
    stream = UUID(bytes=sha256(chain.stream.encode()).digest()[:16]) if chain.stream else None
    return Link(chain.number, stream)
