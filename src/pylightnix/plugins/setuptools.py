"""For projects that are built by setuptools: the same entry points from a `setup.py`, or by a hook.

The hooks are entry points of setuptools, and do nothing in a project whose pyproject.toml has no
`[tool.pylightnix.plugins]`: to be installed must not change how others are built.
"""

from __future__ import annotations

from .entries import Entry, grouped, parse_entry_points
from .settings import committed, project_table, require_dynamic, settings_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def load_entry_points(
    where: str = ".",
    exclude: Iterable[str] = (),
    include: Iterable[str] = ("*",),
    merge: Mapping[str, Iterable[str]] | None = None,
) -> dict[str, list[str]]:
    """Give the plugins of a project as `setup(entry_points=...)` takes them; imports nothing.

    They are read anew at each build, from a source archive too, since reading needs nothing that
    the project needs.

    Args:
        where: the folder that holds the packages.
        exclude: patterns of dotted module names, as `tests.*`.
        include: patterns of dotted module names; only these.
        merge: further entry points, as `{"console_scripts": ["x = y:z"]}`.

    Raises:
        CannotDiscover: modules do not parse.
        PluginConflict: two plugins have one name.

    Effects: warns of what may be a plugin, but is known only when it runs.
    """
    from warnings import warn

    from .discovery import discover

    found = discover(where, exclude, include)
    for line in found.unsure:
        warn(f"a plugin may be lost: {line}", stacklevel=2)
    points = _lines(found.entries)
    for group, lines in (merge or {}).items():
        known = points.setdefault(group, [])
        known += [line for line in lines if line not in known]
    return points


def finalize(distribution: Any) -> None:
    """Add the committed entry points of the project in the working folder; called by setuptools.

    Raises:
        InvalidEntryPoints: there is no such file, or the project does not say that they come from
            elsewhere.
    """
    table = _table()
    if settings_in(table) is not None:
        require_dynamic(table)
        _add_committed(distribution, table)


def write_entry_points(command: Any, _name: str, path: str) -> None:
    """Write the metadata file of entry points with all of them; called by setuptools.

    If a project has scripts, setuptools forgets what came before these; so they are added again.

    Args:
        command: `egg_info`.
        path: of the file that this writer might write, in the folder of metadata.
    """
    import os

    table = _table()
    if settings_in(table) is None:
        return
    _add_committed(command.distribution, table)
    from setuptools.command.egg_info import write_entries

    file = "entry_points.txt"
    write_entries(command, file, os.path.join(os.path.dirname(path), file))


def _table() -> dict[str, Any]:
    """Read pyproject.toml, if it speaks of us: otherwise its mistakes are not for us to tell."""
    try:
        with open("pyproject.toml", "rb") as file:
            ours = b"pylightnix" in file.read()
    except OSError:
        return {}
    return project_table(".") if ours else {}


def _add_committed(distribution: Any, table: dict[str, Any]) -> None:
    settings = settings_in(table)
    assert settings is not None  # noqa: S101 - the callers looked
    known = distribution.entry_points or {}
    if isinstance(known, str):  # a setup.py may give it as the text of a file
        known = _lines(Entry(*triple) for triple in parse_entry_points(known))
    points = {group: list(lines) for group, lines in known.items()}
    for group, lines in _lines(committed(".", settings)).items():
        there = points.setdefault(group, [])
        there += [line for line in lines if line not in there]
    distribution.entry_points = points


def _lines(entries: Iterable[Entry]) -> dict[str, list[str]]:
    found = grouped(entries).items()
    return {group: [f"{name} = {target}" for name, target in them.items()] for group, them in found}
