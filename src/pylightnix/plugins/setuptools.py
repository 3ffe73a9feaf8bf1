"""For projects that are built by setuptools: the same entry points from a `setup.py`, or by a hook.

The hook is an entry point of setuptools, and does nothing in a project whose pyproject.toml has no
`[tool.pylightnix.plugins]`: to be installed must not change how others are built.
"""

from __future__ import annotations

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
    """
    from .discovery import discover
    from .entries import grouped

    found = grouped(discover(where, exclude, include).entries)
    points = {group: [f"{k} = {v}" for k, v in names.items()] for group, names in found.items()}
    for group, lines in (merge or {}).items():
        known = points.setdefault(group, [])
        known += [line for line in lines if line not in known]
    return points


def finalize(distribution: Any) -> None:
    """Add the committed entry points of the project in the working folder; called by setuptools.

    Raises:
        InvalidEntryPoints: there is no such file, or setuptools would drop what is in it.
    """
    import os

    from .entries import grouped
    from .settings import committed, project_table, require_dynamic, settings_in

    if not os.path.isfile("pyproject.toml"):
        return
    with open("pyproject.toml", "rb") as file:
        if b"pylightnix" not in file.read():
            return  # most projects: what is wrong with their file is not for us to say
    table = project_table(".")
    settings = settings_in(table)
    if settings is None:
        return
    require_dynamic(table)
    points: dict[str, list[str]] = dict(distribution.entry_points or {})
    for group, names in grouped(committed(".", settings)).items():
        lines = [f"{name} = {target}" for name, target in names.items()]
        points[group] = [*points.get(group, ()), *lines]
    distribution.entry_points = points
