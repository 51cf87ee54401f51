"""Classes and activities of OCSF events: what an audit event is about."""

from __future__ import annotations

import pytest

from server.query import ocsf_classes
from server.query.ocsf_classes import EventClass
from tests.query.ocsf_events import acted
from tests.query.ocsf_schema import activities_of

CLASSES = [found for found in vars(ocsf_classes).values() if isinstance(found, EventClass)]


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: found.name)
def test_the_activities_of_every_class_are_those_of_the_schema(found: EventClass) -> None:
    schema = activities_of(found.uid)
    assert found.activities.items() <= schema.items()
    assert found.uid // 1000 == found.category_uid


@pytest.mark.parametrize(
    ("action", "category", "target_type", "expected"),
    [
        ("login", "auth", "", (3002, 1)),
        ("user.login", "admin", "user", (3002, 1)),
        ("ConsoleLogin", "data", "", (3002, 1)),
        ("LOGIN_ERROR", "auth", "client", (3002, 1)),
        ("user.signed_in", "admin", "", (3002, 1)),
        ("auth.logout", "auth", "session", (3002, 2)),
        ("token.refresh", "auth", "", (3002, 99)),
        ("Accepted publickey", "auth", "", (3002, 1)),
        ("Failed password", "auth", "", (3002, 1)),
        ("Invalid user", "auth", "", (3002, 1)),
        ("session opened", "auth", "", (3002, 1)),
        ("session closed", "auth", "", (3002, 2)),
        ("session renewed", "auth", "", (3002, 99)),
        ("CreateUser", "admin", "iam.amazonaws.com", (3007, 1)),
        ("google.iam.admin.v1.CreateRole", "admin", "iam_role", (3008, 1)),
        ("CreateUser", "admin", "redshift.amazonaws.com", (3004, 1)),
        ("mfa.verify", "auth", "user", (3002, 99)),
        ("impersonate", "auth", "user", (3002, 7)),
        ("user.create", "admin", "", (3007, 1)),
        ("user.created", "admin", "user", (3007, 1)),
        ("users.delete", "admin", "users", (3007, 3)),
        ("create", "admin", "user", (3007, 1)),
        ("account.update", "admin", "account", (3007, 2)),
        ("DeactivateUser", "admin", "", (3007, 5)),
        ("user.enabled", "admin", "user", (3007, 4)),
        ("lock", "auth", "user", (3007, 6)),
        ("user.unlock", "auth", "user", (3007, 7)),
        ("password.change", "admin", "", (3007, 8)),
        ("UPDATE_PASSWORD", "auth", "user", (3007, 8)),
        ("user.password.reset", "admin", "user", (3007, 9)),
        ("user.password.peek", "admin", "user", (3007, 99)),
        ("policy.attach", "admin", "user", (3007, 10)),
        ("DetachUserPolicy", "admin", "user", (3007, 11)),
        ("mfa.enable", "auth", "user", (3007, 12)),
        ("mfa.remove", "auth", "user", (3007, 13)),
        ("permission.grant", "admin", "user", (3007, 14)),
        ("access.revoke", "admin", "", (3007, 15)),
        ("role.grant", "admin", "", (3007, 16)),
        ("role.added", "admin", "user", (3007, 16)),
        ("role.revoke", "admin", "user", (3007, 17)),
        ("api_key.create", "data", "user", (3007, 18)),
        ("access-key.delete", "data", "user", (3007, 19)),
        ("user.add_to_group", "admin", "user", (3007, 99)),
        ("group.create", "admin", "group", (3006, 6)),
        ("team.delete", "data", "", (3006, 5)),
        ("group.update", "admin", "group", (3006, 9)),
        ("group.member.add", "admin", "group", (3006, 3)),
        ("user.remove", "admin", "team", (3006, 4)),
        ("permission.grant", "admin", "group", (3006, 1)),
        ("privilege.revoke", "admin", "group", (3006, 2)),
        ("policy.attach", "admin", "group", (3006, 10)),
        ("role.assign", "admin", "group", (3006, 12)),
        ("role.unassign", "admin", "group", (3006, 13)),
        ("group.sync", "admin", "group", (3006, 99)),
        ("role.create", "admin", "", (3008, 1)),
        ("role.update", "admin", "role", (3008, 2)),
        ("role.delete", "admin", "role", (3008, 3)),
        ("permission.grant", "admin", "role", (3008, 4)),
        ("permission.remove", "admin", "role", (3008, 5)),
        ("policy.detach", "admin", "role", (3008, 9)),
        ("service.start", "system", "service", (6002, 3)),
        ("app.stop", "system", "", (6002, 4)),
        ("restart", "system", "", (6002, 5)),
        ("install", "system", "package", (6002, 1)),
        ("uninstall", "system", "package", (6002, 2)),
        ("service.upgrade", "system", "service", (6002, 8)),
        ("backup.start", "system", "", (6003, 99)),
        ("config.update", "system", "config", (3004, 3)),
        ("enable", "system", "feature", (3004, 8)),
        ("policy.delete", "admin", "policy", (3004, 4)),
        ("profile.update", "admin", "user", (3004, 3)),
        ("delete", "admin", "clusterrolebindings", (3004, 4)),
        ("permission.grant", "admin", "document", (3004, 99)),
        ("user.list", "admin", "", (6003, 2)),
        ("order.create", "data", "order", (6003, 1)),
        ("GetObject", "data", "bucket", (6003, 2)),
        ("invoice.update", "data", "invoice", (6003, 3)),
        ("order.delete", "data", "order", (6003, 4)),
        ("account.transfer", "data", "", (6003, 99)),
        ("verify", "data", "log", (6003, 99)),
        ("", "data", "", (6003, 0)),
        ("", "auth", "", (3002, 0)),
        ("взять", "", "", (6003, 0)),
    ],
)
def test_the_action_and_the_target_decide_the_class_and_the_activity(
    action: str, category: str, target_type: str, expected: tuple[int, int]
) -> None:
    event = acted(action, category, "x" if target_type else "", target_type)
    assert (event["class_uid"], event["activity_id"]) == expected
    assert event["type_uid"] == 100 * expected[0] + expected[1]
    if expected[1] == 99:
        assert event["activity_name"] == action
