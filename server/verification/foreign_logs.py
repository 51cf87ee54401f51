"""Logs of which nothing is signed by a known key: one finding for each, instead of one for each of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from server.notary.errors import VerificationError
from server.notary.findings import Finding, FindingKind
from server.notary.keys import VerifierKey
from server.notary.origin import LogName
from server.notary.statement import StatementKind, StatementRow, open_statement, read_key_change
from server.notary.trust import TrustedKeys, fingerprint

__all__ = ["ForeignLogs", "foreign_signed", "key_names"]

_FOREIGN = (FindingKind.BATCH_FOREIGN_SIGNED, FindingKind.STATEMENT_FOREIGN_SIGNED)
_MOST_KEYS = 5  # that are named


def key_names(rows: Iterable[StatementRow]) -> dict[str, str]:
    """Return the fingerprints of the keys that signed key changes name, by the keys' names and IDs.

    They only name keys to people: whether a key change is to be trusted does not matter.
    """
    names: dict[str, str] = {}
    for row in rows:
        if row.kind != StatementKind.KEYS.value:
            continue
        try:
            statement, note = open_statement(row.note)
            change = read_key_change(statement, note)
        except VerificationError:
            continue
        names |= {_name(key): fingerprint(key.public_key) for key in (*change.before, *change.after)}
    return names


class ForeignLogs:
    """Holds findings about rows that unknown keys signed, until it is known whether a log has any other."""

    def __init__(self) -> None:
        self._held: dict[str, list[Finding]] = {}  # by LogId

    def holds(self, finding: Finding) -> bool:
        """Hold a finding about a row that an unknown key signed; False for any other finding."""
        if finding.kind not in _FOREIGN or not finding.signers or not finding.log_id:
            return False
        self._held.setdefault(finding.log_id, []).append(finding)
        return True

    def findings(
        self, signed: Iterable[str], keys: TrustedKeys, names: Mapping[str, str], known_keys: TrustedKeys
    ) -> Iterator[Finding]:
        """Return the findings that were held; for logs of which nothing is signed by a known key, one each.

        Args:
            signed: LogIds of the logs of which a batch or a statement is signed by a known key.
            keys: the keys that were given.
            names: fingerprints of keys that are not trusted, by name and ID.
            known_keys: further keys that are known and not trusted here.
        """
        known = set(signed)
        for log_id, held in self._held.items():
            origin = _origin_of(log_id, held)
            if log_id in known or not origin:
                yield from held
            else:
                others = {
                    _name(key): fingerprint(key.public_key) for key in (*_all(keys, origin), *_all(known_keys, origin))
                }
                yield _whole_log(log_id, origin, held, keys, {**names, **others})


def _origin_of(log_id: str, held: Iterable[Finding]) -> str:
    """Return the origin of a log, by what its rows and their signatures name; empty if none of them has its LogId."""
    for name in (name for finding in held for name in (finding.origin, *finding.signers)):
        origin = name.rpartition("+")[0] or name
        try:
            if LogName.parse(origin).log_id == log_id:
                return origin
        except VerificationError:
            continue
    return ""


def _whole_log(
    log_id: str, origin: str, held: Iterable[Finding], keys: TrustedKeys, names: Mapping[str, str]
) -> Finding:
    signers = (name for finding in held for name in finding.signers)
    return Finding(
        FindingKind.LOG_FOREIGN_SIGNED,
        f"{origin}: {foreign_signed(origin, signers, keys, names)}",
        log_id=log_id,
        origin=origin,
        record_count=sum(finding.record_count for finding in held),
    )


def foreign_signed(origin: str, signers: Iterable[str], keys: TrustedKeys, names: Mapping[str, str]) -> str:
    """Return sentences about a log that no known key signed: who did, and what to do.

    Args:
        origin: origin of the log.
        signers: names and IDs of the keys that signed it.
        keys: the keys that were given.
        names: fingerprints of keys that are not trusted, by name and ID.
    """
    given = list(dict.fromkeys(fingerprint(key.public_key) for key in _all(keys, origin)))
    listed = ", ".join(given[:_MOST_KEYS]) + (f" and {len(given) - _MOST_KEYS} more" if len(given) > _MOST_KEYS else "")
    own = [name for name in dict.fromkeys(signers) if name.startswith(f"{origin}+")]
    signed_by = ", ".join(_described(name, names) for name in own[:_MOST_KEYS])
    return (
        f"none of the given keys ({listed}) signed this log; it is signed by {signed_by or 'other keys'}. "
        "If it is the log of another server that you trust, give that server's public key (keys/public-key.pem in its "
        "data directory): with --public-key, or in the setting public_keys"
    )


def _all(keys: TrustedKeys, origin: str) -> list[VerifierKey]:
    """Return all keys under the name of a log, for whichever logs they were given."""
    named = (VerifierKey(origin, key.public_key, key.key_type) for key in keys.named)
    of_owners = (key for some in keys.of_owners.values() for key in some)
    return [*(VerifierKey(origin, key) for key in (*keys.unnamed, *of_owners)), *named]


def _described(name: str, names: Mapping[str, str]) -> str:
    return names.get(name) or f"a key with the ID {name.rpartition('+')[2]}"


def _name(key: VerifierKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"
