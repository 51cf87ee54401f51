"""Sources of fields in records that follow the draft OpenTelemetry audit signal and the semantic conventions."""

from __future__ import annotations

from server.codec.audit.parse_sources import parse_template
from server.codec.audit.rules import Fields, Template

__all__ = ["GENERIC_FIELDS"]


def _sources(*sources: str) -> tuple[Template, ...]:
    return tuple(parse_template("", source) for source in sources)


GENERIC_FIELDS = Fields(
    record_id=_sources("log:audit.record.id", "log:log.record.uid"),
    actor_id=_sources("log:audit.actor.id", "log:user.id", "log:enduser.id", "log:user.name", "log:actor"),
    actor_name=_sources("log:audit.actor.name", "log:user.name", "log:user.full_name"),
    actor_type=_sources("log:audit.actor.type"),
    effective_actor_id=_sources("log:audit.actor.effective_id", "log:user.effective.id", "log:user.effective.name"),
    session_id=_sources("log:audit.session.id", "log:session.id"),
    action=_sources("log:audit.action", "log:event.action", "event_name"),
    target_id=_sources("log:audit.target.id"),
    target_type=_sources("log:audit.target.type"),
    source_id=_sources(
        "log:audit.source.id", "log:client.address[0]", "log:source.address[0]", "log:source.ip[0]", "log:client.ip[0]"
    ),
    source_type=_sources("log:audit.source.type"),
    source_host=_sources("log:source.domain", "log:client.domain"),
    outcome=_sources("log:audit.outcome", "log:event.outcome"),
    category=_sources("log:audit.category"),
    description=_sources("log:audit.description", "log:event.reason"),
)
"""The sources of a field are tried in order."""
