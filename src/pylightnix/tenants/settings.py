"""What is written down of a tenant: the file `tenant.toml`, read and written."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from pylightnix.core.errors import InvalidValue, TenantError
from pylightnix.core.given import path_text
from pylightnix.sandbox.policy import Policy

from .extra import packaging
from .naming import tenant_name
from .refusals import InvalidTenant

if TYPE_CHECKING:
    from packaging.requirements import Requirement

Links: TypeAlias = "str | os.PathLike[str] | Iterable[str | os.PathLike[str]]"

FILE = "tenant.toml"
# What holds a tenant back, whatever its policy asks for: only back-ends with a root of their own
# enforce all of it.
ALWAYS = frozenset({"fs", "net", "pid", "ipc", "kernel"})


class BrokenSettings(TenantError):
    """The file `tenant.toml` is not what it should be."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(path, cause)
        self.path, self.cause = path, cause

    def __str__(self) -> str:
        return f"{self.path} cannot be used: {self.cause}. Mend it, or make the tenant anew"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is known of a tenant.

    Attributes:
        name: of the tenant.
        packages: requirements, as texts.
        policy: what its code may see and use.
        quota_bytes: what it may have in all; None for any number.
        find_links: folders of wheels; if there are any, nothing else is asked.
    """

    name: str
    packages: Iterable[str] = ()
    policy: Policy = field(default_factory=Policy)
    quota_bytes: int | None = None
    find_links: Links = ()

    def __post_init__(self) -> None:
        tenant_name(self.name)
        put = object.__setattr__
        put(self, "packages", listed(self.packages))
        put(self, "find_links", folders(self.find_links))
        requirements(self.packages)
        quota = self.quota_bytes
        if quota is not None and (type(quota) is not int or quota < 0):
            raise InvalidTenant("a quota", quota, "give bytes, or None for no quota")
        if not isinstance(self.policy, Policy):
            raise InvalidTenant("a policy", self.policy, "give a Policy")


def folders(find_links: Links) -> tuple[str, ...]:
    """Take paths of folders; gives absolute ones."""
    links = [find_links] if isinstance(find_links, str | os.PathLike) else find_links
    return tuple(os.path.abspath(path_text("find_links", link)) for link in links)


def listed(packages: Iterable[str]) -> tuple[str, ...]:
    """Take requirements as a list of texts.

    Raises:
        InvalidTenant: they are one text.
    """
    if isinstance(packages, str):
        raise InvalidTenant("packages", packages, "give a list of requirements")
    return tuple(packages)


def requirements(packages: Iterable[str]) -> list[Requirement]:
    """Parse requirements.

    Raises:
        InvalidTenant: one is none, or names a place to take it from.
        NoPackaging: the extra `tenants` is not installed.
    """
    known = packaging().requirements
    parsed = []
    for text in packages:
        try:
            parsed.append(known.Requirement(text))
        except (known.InvalidRequirement, TypeError) as error:
            raise InvalidTenant("a package", text, str(error).splitlines()[0]) from None
        # uv and pip put variables of the platform in the place of `$`, and `\\` hides a line's end.
        if set("$\\").intersection(text):
            raise InvalidTenant("a package", text, "give a name and versions, without $ or \\")
        if parsed[-1].url:
            raise InvalidTenant("a package", text, "give a name and versions, not a place")
    return parsed


def write(settings: Settings, path: str) -> None:
    """Write a file of settings, whole or not at all."""
    aside = f"{path}.{os.urandom(4).hex()}"
    with open(aside, "w", encoding="utf-8") as file:
        file.write(_toml(settings))
    os.rename(aside, path)


def read(path: str) -> Settings:
    """Read a file of settings.

    Raises:
        BrokenSettings: it is damaged.
        FileNotFoundError: it is not there.
    """
    try:
        with open(path, "rb") as file:
            told = tomllib.load(file)
        return Settings(
            told["name"],
            tuple(told["packages"]),
            _policy(told["policy"]),
            told.get("quota_bytes"),
            tuple(told["find_links"]),
        )
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError, ValueError) as error:
        raise BrokenSettings(path, str(error) or type(error).__name__) from error


def _policy(told: dict[str, Any]) -> Policy:
    """Make a policy of a table; there is no null in TOML, so 0 stands for any number of pids."""
    plain = {key: tuple(item) if isinstance(item, list) else item for key, item in told.items()}
    return Policy(**{**plain, "pids": plain["pids"] or None} if "pids" in plain else plain)


def _toml(settings: Settings) -> str:
    lines = [f"name = {_value(settings.name)}", f"packages = {_value(settings.packages)}"]
    if settings.quota_bytes is not None:
        lines.append(f"quota_bytes = {settings.quota_bytes}")
    lines += [f"find_links = {_value(settings.find_links)}", "", "[policy]"]
    policy = {one.name: getattr(settings.policy, one.name) for one in fields(settings.policy)}
    policy["pids"] = policy["pids"] or 0
    lines += [f"{key} = {_value(item)}" for key, item in policy.items() if item is not None]
    return "\n".join(lines) + "\n"


def _value(item: object) -> str:
    """Write a value in TOML; its texts are escaped as those of JSON, but for one character."""
    if isinstance(item, Mapping):
        inner = ", ".join(f"{_value(str(key))} = {_value(item[key])}" for key in sorted(item))
        return f"{{{inner}}}"
    if isinstance(item, frozenset):
        return _value(sorted(item))
    if isinstance(item, tuple | list):
        return f"[{', '.join(map(_value, item))}]"
    if isinstance(item, str):
        try:
            item.encode()
        except UnicodeEncodeError as error:
            raise InvalidValue(f"{item!r:.100} is not valid Unicode") from error
    return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
