"""`[tool.pylightnix.plugins]` in a project's pyproject.toml, and its committed `plugins.ini`."""

from __future__ import annotations

import os

from pylightnix.core.value import value

from .entries import Entry, InvalidEntryPoints, parse_entry_points

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FILE = "plugins.ini"
WRITE_IT = "write it with `pylightnix plugins entrypoints`, and commit it"


@value
class Settings:
    """Where a project has its plugins.

    Attributes:
        file: with its entry points, from the project's folder.
        where: the folder that holds its packages.
        include, exclude: patterns of dotted module names.
    """

    file: str = FILE
    where: str = ""
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def where_in(self, folder: str) -> str:
        """Give the folder with the packages: by default `src`, if it is there and no package."""
        src = os.path.join(folder, "src")
        guess = os.path.isdir(src) and not os.path.isfile(f"{src}/__init__.py")
        return os.path.join(folder, self.where or ("src" if guess else "."))


def project_table(folder: str) -> dict[str, Any]:
    """Read pyproject.toml; empty if there is none.

    Raises:
        InvalidEntryPoints: it is no TOML.
    """
    path = os.path.join(folder, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return {}
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except ValueError as error:
        raise InvalidEntryPoints(path, f"it is no TOML ({error})", "mend it") from error


def settings_in(table: dict[str, Any]) -> Settings | None:
    """Take our settings out of a pyproject.toml; None if it has none.

    Raises:
        InvalidEntryPoints: they are not what they should be.
    """
    found = table.get("tool", {}).get("pylightnix", {})
    found = found.get("plugins") if isinstance(found, dict) else None
    return None if found is None else mksettings(found, "[tool.pylightnix.plugins]")


def mksettings(found: object, place: str) -> Settings:
    """Check settings.

    Raises:
        InvalidEntryPoints: they are not what they should be.
    """
    known = Settings.__slots__  # type: ignore[attr-defined]
    if not isinstance(found, dict) or found.keys() - set(known):
        strange = ", ".join(sorted(found.keys() - set(known))) if isinstance(found, dict) else ""
        why = f"unknown settings: {strange}" if strange else "it is no table"
        raise InvalidEntryPoints(place, why, f"there are {', '.join(known)}")
    fields: dict[str, Any] = {}
    for name, item in found.items():
        many = name in ("include", "exclude")
        texts = item if many and isinstance(item, list) else [item]
        if many != isinstance(item, list) or not all(isinstance(text, str) for text in texts):
            kind = "a list of patterns" if many else "a text"
            raise InvalidEntryPoints(place, f"{name} is {item!r:.100}", f"give {kind}")
        fields[name] = tuple(item) if many else item
    return Settings(**fields)


def committed(folder: str, settings: Settings) -> list[Entry]:
    """Read the committed entry points of a project.

    Raises:
        InvalidEntryPoints: the file is not there.
    """
    path = os.path.join(folder, settings.file)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidEntryPoints(path, f"it cannot be read ({error})", WRITE_IT) from error
    return [Entry(*triple) for triple in parse_entry_points(text)]


def require_dynamic(table: dict[str, Any]) -> None:
    """Refuse a project whose builder would drop the entry points again.

    Raises:
        InvalidEntryPoints: `[project]` does not say that they come from elsewhere.
    """
    project = table.get("project")
    if project is not None and "entry-points" not in project.get("dynamic", ()):
        raise InvalidEntryPoints(
            "pyproject.toml",
            "[project] does not say that entry points come from elsewhere",
            'add `dynamic = ["entry-points"]` to it',
        )
