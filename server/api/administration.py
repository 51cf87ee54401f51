"""Administration: legal holds and retention. Every change is applied to the tables, and recorded in the audit log."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from lognotary.v1 import administration_pb2 as messages
from server.access.current import current_caller
from server.access.policy import may_count
from server.api.errors import ConflictError, InvalidArgumentError, NotFoundError, UnrecordedError
from server.api.given_texts import MOST_TEXT, given_text, optional_text
from server.api.hold_messages import hold_message, retention_message, scope_of
from server.api.local_callers import check_local
from server.notary.origin import Stream
from server.own_records.administration import PolicyChange
from server.own_records.record import who_asked
from server.own_records.sender import NotRecordedError
from storage.bound import unlimited
from storage.disclosures import matching_commitments
from storage.engine import Engine
from storage.errors import StorageError
from storage.hold_records import HOLD_ADDED, HOLD_RELEASED, SCOPE_KEY
from storage.hold_scope import HoldScope
from storage.holds import Hold, add_hold, count_held, count_hidden_actors, is_actor_id, read_holds, release_hold
from storage.policies import DISCLOSURES, read_recorded_policies
from storage.removal import removal_paused, wait_for_removal
from storage.retention import apply_retention, lacks_hold
from storage.retention_beside import TABLES_BESIDE, apply_retention_beside
from storage.retention_policy import Policy
from storage.schema import RECORD_TABLES

__all__ = ["Administration"]

_logger = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_HOLDS = 100  # in force: each makes the TTL of the tables longer


class Administration:
    """Legal holds and retention of one storage. Every method blocks, so call it in a thread."""

    def __init__(
        self,
        engine: Engine,
        policies: Mapping[Stream, Policy],
        record: Callable[[PolicyChange], object],
        allowed: str,
        disclosure_days: int | None = None,
        *,
        hides_actors: bool = False,
        hides_names: bool = False,
    ) -> None:
        """Answer from a storage.

        Args:
            engine: the storage.
            policies: how long the records of each stream are kept.
            record: records a change in the audit log, or raises NotRecordedError.
            allowed: value of the setting ``administration``.
            disclosure_days: how long disclosed values are kept, in days; None for forever.
            hides_actors: True if redaction hides the IDs of actors.
            hides_names: True if redaction hides their names, or the IDs of who they act for.
        """
        self._engine = engine
        self._policies = policies
        self._disclosure_days = disclosure_days
        self._hides_actors = hides_actors
        self._hides_names = hides_names
        self._record = record
        self._allowed = allowed
        self._changing = threading.Lock()
        self._in_force = False
        self._is_recorded = False

    def begin(self) -> None:
        """Take changes from now on: the tables have the retention of the settings."""
        self._in_force = True

    def follow_recorded(self) -> None:
        """Keep to the retention that was recorded last, now that this server's is recorded.

        Another server may start with other retention, and record that: no change of a hold may undo this silently. And
        another server may have undone this server's before it was recorded, so it is put in force once more.

        Raises:
            StorageError: storage cannot be read, or refuses the change.
        """
        self._is_recorded = True
        with unlimited():
            self._apply_retention()

    def add_hold(self, request: messages.AddHoldRequest, caller: str) -> messages.AddHoldResponse:
        """Answer ``AddHold``; raises ApiError and StorageError."""
        check_local(caller, self._allowed)
        scope = scope_of(request.scope)
        # An operator may hold records, but must not find out by that which there are.
        tells = may_count(current_caller(), scope.streams)
        by_id = self._check_actor(scope.actor, tells=tells) if scope.actor else False
        reason, actor = given_text("reason", request.reason), optional_text("actor", request.actor)
        name = request.name or f"hold-{uuid.uuid4().hex[:12]}"
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError(
                f"name: {name[:100]!r} is not a name: give up to 100 letters, digits, dots, dashes and underscores, "
                "beginning with a letter or a digit"
            )
        with self.changing():
            known = read_holds(self._engine)
            if any(hold.name == name for hold in known):
                raise ConflictError(f"there is or was a hold named {name}: give another name")
            if sum(hold.released is None for hold in known) >= _MOST_HOLDS:
                raise ConflictError(f"{_MOST_HOLDS} holds are in force, the most there can be: release one first")
            # Recorded before, as no hold may be in force without a record; and after, as it may not come into force.
            change = _addition(name, scope, reason, actor, caller)
            self._record_before(change, "the hold was not added")
            try:
                records = self._put_in_force(name, scope, reason, actor, caller)
            except StorageError as error:
                self._take_back(name, scope, error)
                raise
            try:
                self._record(_done(change, f"legal hold {name} of {scope.text()} added", records))
            except NotRecordedError as error:
                raise UnrecordedError(
                    f"the hold {name} is in force, but the audit log has only the record that it was about to be "
                    f"added: {error}"
                ) from error
            hold = hold_message(self._hold(name))
            if not tells:
                return messages.AddHoldResponse(hold=hold)
            return messages.AddHoldResponse(
                hold=hold,
                records=records,
                disclosed_values=len(matching_commitments(self._engine, actor=scope.actor)) if scope.actor else 0,
                hidden_actors=count_hidden_actors(self._engine, scope, by_id=by_id) if scope.actor else 0,
            )

    def _check_actor(self, actor: str, *, tells: bool) -> bool:
        """Check that records show whether they are of an actor; return True if it is the ID of one that is stored.

        Args:
            actor: the actor.
            tells: True if the caller may learn whether there are records of this actor.
        """
        if self._hides_actors:
            raise ConflictError(
                "redaction hides the IDs of actors (setting redaction_keys), so a hold by actor would not keep their "
                "records: hold them by service, trace, category or time"
            )
        if self._hides_names and not tells:
            raise ConflictError(
                "redaction hides names of actors, or whom they act for (setting redaction_keys), so a hold by actor "
                "may keep nothing, and these credentials do not permit finding out: hold the records by service, "
                "trace, category or time, or add the hold with the role auditor, too"
            )
        by_id = is_actor_id(self._engine, actor)
        if self._hides_names and not by_id:
            raise ConflictError(
                "redaction hides names of actors, or whom they act for (setting redaction_keys), and no stored record "
                f"has an actor with the ID {actor[:100]!r}, so a hold by this actor may keep nothing: give the ID of "
                "an actor, or hold the records by service, trace, category or time"
            )
        return by_id

    def list_holds(self, request: messages.ListHoldsRequest) -> messages.ListHoldsResponse:
        """Answer ``ListHolds``; raises StorageError."""
        holds = read_holds(self._engine)
        return messages.ListHoldsResponse(
            holds=[hold_message(hold) for hold in holds if request.released or hold.released is None]
        )

    def release_hold(self, request: messages.ReleaseHoldRequest, caller: str) -> messages.ReleaseHoldResponse:
        """Answer ``ReleaseHold``; raises ApiError and StorageError."""
        check_local(caller, self._allowed)
        reason, actor = given_text("reason", request.reason), optional_text("actor", request.actor)
        with self.changing():
            hold = self._hold(request.name)
            if hold.released is not None:
                raise ConflictError(f"the hold {hold.name} was released already")
            # Recorded before, as a hold must not end without a record; and after, as its end may fail.
            about = f"legal hold {hold.name} is about to be released"
            change = PolicyChange(HOLD_RELEASED, hold.name, "hold", actor, caller, about, reason, is_done=False)
            self._record_before(change, "the hold was not released")
            release_hold(self._engine, hold.name, reason, who_asked(actor), caller)
            self._apply_retention()
            try:
                self._record(replace(change, what=f"legal hold {hold.name} released", is_done=True))
            except NotRecordedError as error:
                raise UnrecordedError(
                    f"the hold {hold.name} was released, but the audit log has only the record that it was about to "
                    f"be: {error}"
                ) from error
            return messages.ReleaseHoldResponse(hold=hold_message(self._hold(hold.name)))

    def get_retention(self, request: messages.GetRetentionRequest) -> messages.GetRetentionResponse:  # noqa: ARG002
        """Answer ``GetRetention``; raises StorageError."""
        in_force = sum(hold.released is None for hold in read_holds(self._engine))
        return messages.GetRetentionResponse(
            streams=[retention_message(stream, policy) for stream, policy in self._policies_in_force()[0].items()],
            holds=in_force,
        )

    def keep_holds(self) -> None:
        """Put holds into the tables again that another server has left out; raises StorageError."""
        with unlimited(), contextlib.suppress(UnrecordedError), self.changing():
            if lacks_hold(self._engine):
                _logger.warning("a legal hold was missing in a table that another server has changed: it is there now")
                self._apply_retention(rewrite=False)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Make one change at a time: a second one does not wait in a thread that others need.

        Raises:
            UnrecordedError: no change can be made now.
        """
        if not self._in_force:
            raise UnrecordedError("the server is starting: try again once it is ready")
        if not self._changing.acquire(blocking=False):
            raise UnrecordedError("another change of policy is being made: try again in a moment")
        try:
            yield
        finally:
            self._changing.release()

    def _hold(self, name: str) -> Hold:
        found = next((hold for hold in read_holds(self._engine) if hold.name == name), None)
        if found is None:
            raise NotFoundError(f"there is no hold named {name[:100]!r}: 'lognotary hold list' shows those there are")
        return found

    def _put_in_force(self, name: str, scope: HoldScope, reason: str, actor: str, caller: str) -> int:
        """Add a hold, and return the number of stored records that it keeps."""
        tables = [*(RECORD_TABLES[stream] for stream in scope.streams), *TABLES_BESIDE]
        with removal_paused(self._engine, tables):
            add_hold(self._engine, name, scope, reason, who_asked(actor), caller)
            # No part is rewritten for a hold: removal reads the TTL of the table when it begins.
            self._apply_retention(rewrite=False)
            wait_for_removal(self._engine, tables)
            return count_held(self._engine, scope)

    def _apply_retention(self, *, rewrite: bool = True) -> None:
        policies, disclosures = self._policies_in_force()
        apply_retention(self._engine, policies, rewrite=rewrite)
        audit = policies.get(Stream.AUDIT)
        apply_retention_beside(self._engine, audit.longest if audit else None, disclosures.days)

    def _policies_in_force(self) -> tuple[dict[Stream, Policy], Policy]:
        """Return the policies of streams, and of disclosed values."""
        recorded = read_recorded_policies(self._engine) if self._is_recorded else {}
        policies = {stream: recorded.get(stream.value, policy) for stream, policy in self._policies.items()}
        return policies, recorded.get(DISCLOSURES, Policy(self._disclosure_days))

    def _record_before(self, change: PolicyChange, otherwise: str) -> None:
        """Record a change that is about to be made; raises UnrecordedError, which says what was not done."""
        try:
            self._record(change)
        except NotRecordedError as error:
            raise UnrecordedError(f"{otherwise}, because the audit log did not take a record of it: {error}") from error

    def _take_back(self, name: str, scope: HoldScope, error: StorageError) -> None:
        """Release a hold that could not be put in force as a whole, with records of that.

        Raises:
            UnrecordedError: it remains in force.
        """
        why = f"taken back: {error}"[:MOST_TEXT]
        what = f"legal hold {name} of {scope.text()}"
        change = PolicyChange(
            HOLD_RELEASED, name, "hold", "", "", f"{what} is about to be released", why, is_done=False
        )
        try:
            if any(hold.name == name and hold.released is None for hold in read_holds(self._engine)):
                self._record(change)
                release_hold(self._engine, name, why, "", "")
                self._apply_retention()
                with contextlib.suppress(NotRecordedError):
                    self._record(replace(change, what=f"{what} released", is_done=True))
        except (NotRecordedError, StorageError) as left:
            cause = left.public if isinstance(left, StorageError) else left
            raise UnrecordedError(
                f"the hold {name} may be in force, but not in all tables, because {error.public}; it could not be "
                f"taken back either: {cause}. 'lognotary hold list' shows whether it is in force"
            ) from left


def _addition(name: str, scope: HoldScope, reason: str, actor: str, caller: str) -> PolicyChange:
    what = f"legal hold {name} of {scope.text()} is about to be added"
    details = {SCOPE_KEY: scope.text()}
    return PolicyChange(HOLD_ADDED, name, "hold", actor, caller, what, reason, details, is_done=False)


def _done(change: PolicyChange, what: str, records: int) -> PolicyChange:
    return replace(change, what=what, details={**change.details, "lognotary.record.count": records}, is_done=True)
