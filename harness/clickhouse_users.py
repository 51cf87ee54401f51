"""Users of a ClickHouse server of the tests' own, as XML for ``ClickHouseNode``."""

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit
from xml.sax.saxutils import escape

from storage.roles import Role, grants

__all__ = ["role_rights", "url_of_user", "user"]


def user(name: str, rights: Iterable[str] | None = None, *, profile: str = "default", password: str = "") -> str:
    """Return a user with some rights, such as ``SELECT ON lognotary.*``; with all rights if none are given."""
    granted = "" if rights is None else "".join(f"<query>GRANT {escape(right)}</query>" for right in rights)
    return (
        f"<{name}><password>{escape(password)}</password><networks><ip>::/0</ip></networks>"
        f"<profile>{profile}</profile><quota>default</quota>"
        + (f"<grants>{granted}</grants>" if granted else "")
        + f"</{name}>"
    )


def role_rights(role: Role, database: str) -> list[str]:
    """Return the rights that ``lognotary grants`` prints for a role."""
    return [statement.removeprefix("GRANT ").rpartition(" TO ")[0] for statement in grants(role, "anybody", database)]


def url_of_user(url: str, name: str, database: str, password: str = "") -> str:
    """Return a server's URL as the storage URL of a user."""
    parts = urlsplit(url)
    login = f"{name}:{password}" if password else name
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}", path=f"/{database}"))
