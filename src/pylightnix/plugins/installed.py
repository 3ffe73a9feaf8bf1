"""What is installed, by looking at the disk: folders `*.dist-info` on a path, and their files."""

from __future__ import annotations

import os

from .entries import Entry, parse_entry_points

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ENDS = (".dist-info", ".egg-info")
_FILE = "entry_points.txt"


def dists_on(path: Iterable[str]) -> tuple[list[str], list[Entry], set[str]]:
    """Find distributions, earlier ones first; of one name only the first, as Python does.

    Returns:
        The folder of metadata of each; the entry points of archives on the path;
        the folders looked into.
    """
    found: list[str] = []
    others: list[Entry] = []
    seen: set[str] = set()
    folders: set[str] = set()
    for folder in dict.fromkeys(map(os.path.abspath, path)):
        try:
            names = os.listdir(folder)
        except NotADirectoryError:
            others += _in_archive(folder, seen)
            continue
        except OSError:
            continue
        folders.add(folder)
        for base in sorted([name for name in names if name.endswith(_ENDS)]):
            key = normal(base.rpartition(".")[0].partition("-")[0])
            if key not in seen:
                seen.add(key)
                found.append(f"{folder}/{base}")
    return found, others, folders


def stem_of(place: str) -> str:
    """Give `name version` of a folder of metadata, the name in its normal form.

    >>> stem_of("/lib/My_Plugins-1.0.dist-info")
    'my-plugins 1.0'
    """
    base = place.rpartition("/")[2].rpartition(".")[0]
    name, _, version = base.partition("-")
    if "-py" in version:  # an egg names the Python that made it
        version = version.partition("-py")[0]
    return f"{normal(name)} {version}" if version else normal(name)


def normal(name: str) -> str:
    """Give the name of a distribution in its normal form."""
    return name.lower().replace("_", "-").replace(".", "-")


def stamp_of(place: str, has_entry_points: bool) -> str:
    """Tell a state of a distribution from any other; empty if it cannot be looked at.

    Of a distribution without entry points the folder counts: if it gets some, that changes.
    """
    try:
        found = os.stat(f"{place}/{_FILE}" if has_entry_points else place)
    except OSError:
        return ""
    return f"{found.st_mtime_ns}.{found.st_ctime_ns}.{found.st_size}.{found.st_ino}"


def entry_points_of(place: str) -> list[tuple[str, str, str]]:
    """Read the entry points of a distribution; what cannot be read has none."""
    try:
        with open(f"{place}/{_FILE}", encoding="utf-8", errors="replace") as file:
            return list(parse_entry_points(file.read()))
    except OSError:
        return []


def _in_archive(path: str, seen: set[str]) -> list[Entry]:
    """Read eggs and wheels on the path; rare enough to do it the slow way."""
    if not path.endswith((".egg", ".zip", ".whl")) or not os.path.isfile(path):
        return []
    from importlib.metadata import distributions

    found: list[Entry] = []
    for dist in distributions(path=[path]):
        key = normal(dist.metadata["Name"])
        if key not in seen:
            seen.add(key)
            stem = f"{key} {dist.version}"
            found += [Entry(e.group, e.name, e.value, stem, path) for e in dist.entry_points]
    return found
