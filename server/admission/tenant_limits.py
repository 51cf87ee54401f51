"""Limits of tenants, so that none takes the room of all others, and what each has used.

A limit for each second is a token bucket that may go into debt: the size of a request is known exactly only once it is
taken, so the request that empties the bucket is the last one until the debt is paid off. Belongs to one event loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from server.errors.ingest import TenantLimitError

__all__ = ["NO_LIMITS", "TenantLimits", "TenantMeters", "Usage", "sum_usage"]

_BURST = 5.0  # seconds of its rate that a tenant may use at once after a pause
_KEYS_FOR = 3600.0  # seconds for which keys of attributes are counted
_LEAST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """Limits of one tenant; None for no limit.

    Attributes:
        size: bytes of requests in a second, after decompression.
        records: records and spans in a second.
        keys: different keys of attributes in an hour.
    """

    size: int | None = None
    records: int | None = None
    keys: int | None = None


NO_LIMITS = TenantLimits()


@dataclass(slots=True)
class Usage:
    """Usage of one tenant since the start of the process.

    Attributes:
        size: bytes of requests that were taken, after decompression.
        records: records and spans that were taken.
        refused: requests that were refused because of a limit.
    """

    size: int = 0
    records: int = 0
    refused: int = 0


def sum_usage(parts: Iterable[Mapping[str, Usage]]) -> dict[str, Usage]:
    """Return the usage of each tenant in several processes together."""
    total: dict[str, Usage] = {}
    for part in parts:
        for tenant, one in part.items():
            known = total.setdefault(tenant, Usage())
            known.size += one.size
            known.records += one.records
            known.refused += one.refused
    return total


@dataclass(slots=True)
class _Bucket:
    rate: int
    left: float
    at: float

    def fill(self, now: float) -> None:
        self.left = min(self.rate * _BURST, self.left + (now - self.at) * self.rate)
        self.at = now


@dataclass(slots=True)
class _Meter:
    limits: TenantLimits
    buckets: Mapping[str, _Bucket]
    usage: Usage = field(default_factory=Usage)
    keys: set[bytes] = field(default_factory=set)
    keys_since: float = 0.0


class TenantMeters:
    """The limits and the usage of all tenants of one process."""

    def __init__(
        self,
        default: TenantLimits = NO_LIMITS,
        own: Mapping[str, TenantLimits] | None = None,
        clock: Callable[[], float] = time.monotonic,
        known: Iterable[str] = (),
    ) -> None:
        """Start with nothing used.

        Args:
            default: limits of tenants that have none of their own.
            own: limits of tenants that have limits of their own.
            clock: function that returns the time in seconds.
            known: tenants that have logs already.
        """
        self._default = default
        self._own = dict(own or {})
        self._clock = clock
        self._meters: dict[str, _Meter] = {}
        self._known = {tenant for tenant in known if tenant}  # without the default one

    def check(self, tenant: str) -> None:
        """Check that a tenant may send a request now.

        Raises:
            TenantLimitError: it has used up what it may use.
        """
        meter = self._meters.get(tenant)
        if meter is None:  # it owes nothing, and what may be refused yet must leave nothing behind
            return
        now = self._clock()
        for what, bucket in meter.buckets.items():
            bucket.fill(now)
            if bucket.left <= 0:
                wait = -bucket.left / bucket.rate
                raise self._refusal(meter, f"{bucket.rate} {what} a second", wait)

    def take(self, tenant: str, size: int, records: int, keys: Iterable[bytes]) -> None:
        """Count a request that is about to be stored.

        Args:
            tenant: the tenant.
            size: size of the request in bytes, after decompression.
            records: number of its records and spans.
            keys: keys of the attributes of its records and spans.

        Raises:
            TenantLimitError: it has more new keys than the tenant may have; it is not counted.
        """
        meter = self._meters.get(tenant)
        if meter is None:
            if not records:  # nothing is stored of it, so it makes nobody a tenant
                return
            meter = self._new_meter(tenant)
        if meter.limits.keys is not None:
            self._take_keys(meter, meter.limits.keys, keys)
        self._meters[tenant] = meter
        for what, number in (("bytes", size), ("records", records)):
            if what in meter.buckets:
                meter.buckets[what].left -= number
        if tenant and records:
            self._known.add(tenant)
        meter.usage.size += size
        meter.usage.records += records

    def give_back(self, tenant: str, size: int, records: int) -> None:
        """Forget a request that was taken and then not stored: its sender sends it again.

        Its keys of attributes stay counted if others were stored: the retry has the same. The tenant is one that may
        have logs: storage may have taken the request too late.

        Args:
            tenant: the tenant.
            size: as in ``take``.
            records: as in ``take``.
        """
        if not records:  # there was nothing to store
            return
        meter = self._meters[tenant]
        for what, number in (("bytes", size), ("records", records)):
            if what in meter.buckets:
                meter.buckets[what].left += number
        meter.usage.size -= size
        meter.usage.records -= records
        if meter.usage == Usage():
            del self._meters[tenant]

    def has_room(self, tenant: str, most: int) -> bool:
        """Return whether a tenant has logs already, or would be one of the first ``most`` tenants that have."""
        return tenant in self._known or len(self._known) < most

    def has_logs(self, tenant: str) -> bool:
        """Return whether a tenant has logs already; thread-safe."""
        return tenant in self._known

    def usage(self) -> dict[str, Usage]:
        """Return what each tenant has used; thread-safe."""
        return {tenant: replace(meter.usage) for tenant, meter in tuple(self._meters.items())}

    def _take_keys(self, meter: _Meter, most: int, keys: Iterable[bytes]) -> None:
        now = self._clock()
        if not meter.keys or now - meter.keys_since >= _KEYS_FOR:
            meter.keys, meter.keys_since = set(), now
        new = set(keys) - meter.keys
        if len(meter.keys) + len(new) > most:
            wait = meter.keys_since + _KEYS_FOR - now
            raise self._refusal(meter, f"{most} different keys of attributes an hour", wait)
        meter.keys |= new

    def _new_meter(self, tenant: str) -> _Meter:
        limits, now = self._own.get(tenant, self._default), self._clock()
        rates = {"bytes": limits.size, "records": limits.records}
        buckets = {what: _Bucket(rate, rate * _BURST, now) for what, rate in rates.items() if rate is not None}
        return _Meter(limits, buckets)

    @staticmethod
    def _refusal(meter: _Meter, limit: str, wait: float) -> TenantLimitError:
        meter.usage.refused += 1
        wait = min(max(wait, _LEAST_WAIT), _LONGEST_WAIT)
        what = f"the tenant has reached its limit of {limit}: send less, or raise it"
        return TenantLimitError(what, retry_after=wait)
