"""Classes of OCSF that audit events belong to, and their activities.

The source is the schema of OCSF 1.9.0 (https://schema.ocsf.io/1.9.0). Classes that it deprecates are not used: Account
Change (3001) and User Access Management (3005), which User Management (3007) replaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "API_ACTIVITY",
    "APPLICATION_LIFECYCLE",
    "AUTHENTICATION",
    "ENTITY_MANAGEMENT",
    "GROUP_MANAGEMENT",
    "OTHER",
    "ROLE_MANAGEMENT",
    "UNKNOWN",
    "USER_MANAGEMENT",
    "Activity",
    "EventClass",
]

UNKNOWN = 0
"""The activity of an event without an action."""

OTHER = 99
"""The activity of an action for which the class has no activity."""


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class of events.

    Attributes:
        uid: identifier of the class.
        name: its caption.
        category_uid: identifier of its category.
        category_name: caption of the category.
        activities: identifier of an activity -> its caption.
    """

    uid: int
    name: str
    category_uid: int
    category_name: str
    activities: Mapping[int, str]


_IAM = (3, "Identity & Access Management")
_APPLICATION = (6, "Application Activity")

AUTHENTICATION = EventClass(3002, "Authentication", *_IAM, {1: "Logon", 2: "Logoff", 7: "Account Switch"})
ENTITY_MANAGEMENT = EventClass(
    3004,
    "Entity Management",
    *_IAM,
    {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 5: "Move", 8: "Enable", 9: "Disable"},
)
GROUP_MANAGEMENT = EventClass(
    3006,
    "Group Management",
    *_IAM,
    {
        1: "Assign Privileges",
        2: "Revoke Privileges",
        3: "Add User",
        4: "Remove User",
        5: "Delete",
        6: "Create",
        9: "Update",
        10: "Attach Policies",
        11: "Detach Policies",
        12: "Assign Roles",
        13: "Remove Roles",
    },
)
USER_MANAGEMENT = EventClass(
    3007,
    "User Management",
    *_IAM,
    {
        1: "Create",
        2: "Update",
        3: "Delete",
        4: "Enable",
        5: "Disable",
        6: "Lock",
        7: "Unlock",
        8: "Password Change",
        9: "Password Reset",
        10: "Attach Policies",
        11: "Detach Policies",
        12: "Enable MFA Factors",
        13: "Disable MFA Factors",
        14: "Assign Privileges",
        15: "Remove Privileges",
        16: "Assign Roles",
        17: "Remove Roles",
        18: "Add Programmatic Credentials",
        19: "Remove Programmatic Credentials",
    },
)
ROLE_MANAGEMENT = EventClass(
    3008,
    "Role Management",
    *_IAM,
    {
        1: "Create",
        2: "Update",
        3: "Delete",
        4: "Assign Privileges",
        5: "Remove Privileges",
        8: "Attach Policies",
        9: "Detach Policies",
    },
)
APPLICATION_LIFECYCLE = EventClass(
    6002,
    "Application Lifecycle",
    *_APPLICATION,
    {
        1: "Install",
        2: "Remove",
        3: "Start",
        4: "Stop",
        5: "Restart",
        6: "Enable",
        7: "Disable",
        8: "Update",
    },
)
API_ACTIVITY = EventClass(6003, "API Activity", *_APPLICATION, {1: "Create", 2: "Read", 3: "Update", 4: "Delete"})


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity of a class; ``UNKNOWN`` and ``OTHER`` are activities of every class."""

    event_class: EventClass
    activity_id: int

    @property
    def caption(self) -> str:
        """The activity's name in the schema."""
        names = {UNKNOWN: "Unknown", OTHER: "Other", **self.event_class.activities}
        return names[self.activity_id]

    @property
    def type_uid(self) -> int:
        """The identifier of class and activity."""
        return self.event_class.uid * 100 + self.activity_id
