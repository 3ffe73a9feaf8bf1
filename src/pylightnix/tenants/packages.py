"""Which distributions are there, and which requirements they do not meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING

from .extra import packaging

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def installed_in(paths: Iterable[str] | None = None) -> dict[str, str]:
    """Give what is installed: normalized name -> version, in order of names.

    Args:
        paths: folders to look in; by default those of this process.
    """
    return {name: dist.version for name, dist in sorted(found_in(paths).items())}


def found_in(paths: Iterable[str] | None = None) -> dict[str, Distribution]:
    """Give distributions by their normalized names; of two of one name the first counts."""
    known: dict[str, Distribution] = {}
    normalized = packaging().utils.canonicalize_name
    for dist in distributions() if paths is None else distributions(path=list(paths)):
        name = dist.metadata["Name"]
        if name:
            known.setdefault(normalized(name), dist)
    return known


def packages_of(env: str) -> list[str]:
    """Give the folders of an environment that hold its packages."""
    lib = f"{env}/lib"
    names = sorted(os.listdir(lib)) if os.path.isdir(lib) else []
    return [f"{lib}/{name}/site-packages" for name in names if name.startswith("python")]


@cache
def packages_nearby() -> tuple[str, ...]:
    """Give the folders of packages beside this interpreter and the machine's: the platform's."""
    from glob import glob

    tops = {sys.base_prefix, sys.base_exec_prefix, "/usr", "/usr/local"}
    found = [path for top in tops for path in glob(f"{top}/lib*/python3*/*-packages")]
    return tuple(sorted({os.path.realpath(path) for path in found if os.path.isdir(path)}))


def unmet(wanted: Iterable[Requirement], known: Mapping[str, Distribution]) -> list[str]:
    """Give the requirements that are not met, with those of what is there and is required.

    Args:
        wanted: requirements; of those whose marker does not fit nothing is said.
        known: what is there.

    Returns:
        As texts, each once, sorted.
    """
    todo, seen, lacking = list(wanted), set[str](), set[str]()
    normalized = packaging().utils.canonicalize_name
    while todo:
        requirement = todo.pop()
        text = str(requirement)
        if text in seen or not _fits(requirement, ("",)):
            continue
        seen.add(text)
        dist = known.get(normalized(requirement.name))
        if dist is None or not _is_met(requirement, dist):
            lacking.add(text)
        else:
            todo += _needs(dist, requirement.extras)
    return sorted(lacking)


def _is_met(requirement: Requirement, dist: Distribution) -> bool:
    try:
        return requirement.specifier.contains(dist.version, prereleases=True)
    except packaging().version.InvalidVersion:
        return not requirement.specifier


def _needs(dist: Distribution, extras: set[str]) -> Iterator[Requirement]:
    kind = packaging().requirements
    for line in dist.requires or ():
        try:
            requirement = kind.Requirement(line)
        except kind.InvalidRequirement:
            continue
        if _fits(requirement, ("", *sorted(extras))):
            requirement.marker = None  # it is answered, and speaks of extras of another one
            yield requirement


def _fits(requirement: Requirement, extras: tuple[str, ...]) -> bool:
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in extras)
