"""The schema of OCSF 1.9.0, and what an event breaks of it.

The published package has OCSF 1.8.0. What 1.9.0 adds, and exported events use, is added here: the classes User
Management and Role Management, the object IAM Role, and activities of Group Management.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

__all__ = ["activities_of", "problems"]

_USER_ACTIVITIES = (
    "Create",
    "Update",
    "Delete",
    "Enable",
    "Disable",
    "Lock",
    "Unlock",
    "Password Change",
    "Password Reset",
    "Attach Policies",
    "Detach Policies",
    "Enable MFA Factors",
    "Disable MFA Factors",
    "Assign Privileges",
    "Remove Privileges",
    "Assign Roles",
    "Remove Roles",
    "Add Programmatic Credentials",
    "Remove Programmatic Credentials",
)
_ROLE_ACTIVITIES = (
    "Create",
    "Update",
    "Delete",
    "Assign Privileges",
    "Remove Privileges",
    "Assign Resources",
    "Remove Resources",
    "Attach Policies",
    "Detach Policies",
    "Add Programmatic Credentials",
    "Remove Programmatic Credentials",
)
_GROUP_ACTIVITIES = (
    "Assign Privileges",
    "Revoke Privileges",
    "Add User",
    "Remove User",
    "Delete",
    "Create",
    "Add Subgroup",
    "Remove Subgroup",
    "Update",
    "Attach Policies",
    "Detach Policies",
    "Assign Roles",
    "Remove Roles",
)


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = get_ocsf_schema("1.8.0")
    classes, objects = schema["classes"], schema["objects"]
    role = deepcopy(objects["group"])
    role["attributes"] = {name: role["attributes"][name] for name in ("name", "uid", "privileges")}
    objects["iam_role"] = role
    users, roles = deepcopy(classes["account_change"]), deepcopy(classes["account_change"])
    subject = roles["attributes"].pop("user")
    roles["attributes"]["iam_role"] = {**subject, "object_type": "iam_role"}
    classes["user_management"] = _with_activities(users, 3007, "User Management", _USER_ACTIVITIES)
    classes["role_management"] = _with_activities(roles, 3008, "Role Management", _ROLE_ACTIVITIES)
    _with_activities(classes["group_management"], 3006, "Group Management", _GROUP_ACTIVITIES)
    return schema


def _with_activities(found: dict[str, Any], uid: int, caption: str, names: Sequence[str]) -> dict[str, Any]:
    captions = {0: "Unknown", 99: "Other", **dict(enumerate(names, 1))}
    attributes = found["attributes"]
    attributes["activity_id"]["enum"] = {str(number): {"caption": name} for number, name in captions.items()}
    attributes["class_uid"]["enum"] = {str(uid): {"caption": caption}}
    attributes["type_uid"]["enum"] = {
        str(100 * uid + number): {"caption": f"{caption}: {name}"} for number, name in captions.items()
    }
    found["uid"] = uid
    return found


def _class_of(uid: int) -> str:
    classes: dict[str, dict[str, Any]] = _schema()["classes"]
    return next(name for name, found in classes.items() if found["uid"] == uid)


@cache
def _validator(uid: int, profiles: tuple[str, ...]) -> Draft202012Validator:
    return Draft202012Validator(OcsfJsonSchemaEmbedded(_schema()).get_class_schema(_class_of(uid), list(profiles)))


def activities_of(uid: int) -> dict[int, str]:
    """Return the activities of a class, by the captions of the schema."""
    enum = _schema()["classes"][_class_of(uid)]["attributes"]["activity_id"]["enum"]
    return {int(number): entry["caption"] for number, entry in enum.items()}


def problems(event: dict[str, Any]) -> list[str]:
    """Return what an event breaks of the schema: types, requirements, captions; and what it has that is deprecated."""
    found = _schema()["classes"][_class_of(event["class_uid"])]
    profiles = tuple(event["metadata"].get("profiles", ()))
    broken = [error.message for error in _validator(event["class_uid"], profiles).iter_errors(event)]
    return [*broken, *_wrong_names(event, found)]


def _wrong_names(value: dict[str, Any], definition: dict[str, Any]) -> Iterator[str]:
    """Yield deprecated attributes, and names that contradict the identifier beside them."""
    for name, content in value.items():
        attribute = definition["attributes"].get(name)
        if attribute is None:
            continue  # of an object without defined attributes
        if "@deprecated" in attribute:
            yield f"{name} is deprecated"
        sibling, enum = attribute.get("sibling"), attribute.get("enum")
        if sibling and enum and content != 99 and value.get(sibling) != enum[str(content)]["caption"]:
            yield f"{sibling} is {value.get(sibling)!r}, {name} is {content}"
        if attribute["type"] == "object_t":
            kind = _schema()["objects"][attribute["object_type"]]
            for each in content if isinstance(content, list) else [content]:
                yield from _wrong_names(each, kind)
