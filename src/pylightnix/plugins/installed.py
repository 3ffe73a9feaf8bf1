"""What is installed, by looking at the disk: folders `*.dist-info` on a path, and what they hold."""

from __future__ import annotations

import os

from pylightnix.core.value import value

from .entries import Entry, parse_entry_points

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_ENDS = (".dist-info", ".egg-info")
_FILE = "entry_points.txt"


@value
class Dist:
    """A distribution: its folder of metadata, the folder which that is in, its `name version`."""

    place: str
    folder: str
    stem: str


def dists_on(path: Iterable[str]) -> tuple[list[Dist], list[Entry], set[str]]:
    """Find distributions, earlier ones first; of one name only the first, as Python does.

    Returns:
        Those that are folders; the entry points of archives on the path; the folders looked into.
    """
    found: list[Dist] = []
    others: list[Entry] = []
    seen: set[str] = set()
    folders: set[str] = set()
    for folder in dict.fromkeys(os.path.abspath(part) for part in path):
        try:
            names = os.listdir(folder)
        except NotADirectoryError:
            others += _in_archive(folder, seen)
            continue
        except OSError:
            continue
        folders.add(folder)
        for base in sorted(name for name in names if name.endswith(_ENDS)):
            stem = stem_of(base)
            key = stem.partition(" ")[0]
            if key not in seen:
                seen.add(key)
                found.append(Dist(f"{folder}/{base}", folder, stem))
    return found, others, folders


def stem_of(place: str) -> str:
    """Give `name version` of a folder of metadata, the name in its normal form.

    >>> stem_of("/lib/My_Plugins-1.0.dist-info")
    'my-plugins 1.0'
    """
    base = place.rpartition("/")[2][: -len(".dist-info")]
    name, _, version = base.partition("-")
    version = version.partition("-py")[0]  # an egg names the Python that made it
    name = name.lower().replace("_", "-").replace(".", "-")
    return f"{name} {version}" if version else name


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
        key = dist.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        if key not in seen:
            seen.add(key)
            stem = f"{key} {dist.version}"
            found += [Entry(e.group, e.name, e.value, stem, path) for e in dist.entry_points]
    return found
