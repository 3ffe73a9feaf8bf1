"""Which paths are shown, and as what: links resolved, what is shown anyway left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from pylightnix.core.value import value

from .policy import InvalidPolicy

MOST_MOUNTS = 50  # bubblewrap reads all mounts after each: 50 take 18 ms, 500 take 409
_WORTH = 8


@value
class Grants:
    """Real paths to see (`ro`), to change too (`rw`), and links that lead to them."""

    ro: tuple[str, ...]
    rw: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def grants(ro: Iterable[str], rw: Iterable[str]) -> Grants:
    """Resolve paths, so that each is seen where it was said to be and where it is.

    Raises:
        InvalidPolicy: a path is not there, or would be everything.
    """
    links: dict[str, str] = {}
    modes = {_real(path, links): False for path in ro} | {_real(path, links): True for path in rw}
    missing = [path for path in modes if not os.path.exists(path)]
    issues = [f"{path} is granted and is not there" for path in missing]
    if "/" in modes:
        issues.append("/ is granted: that is no sandbox. Name what is needed")
    if issues:
        raise InvalidPolicy(tuple(issues))
    shown: dict[str, bool] = {}
    for path in sorted(modes, key=lambda path: path.split("/")):
        if _mode(path, shown) is not modes[path]:
            shown[path] = modes[path]
    needed = {path: real for path, real in links.items() if _mode(path, shown) is None}
    return Grants(
        tuple(path for path, write in shown.items() if not write),
        tuple(path for path, write in shown.items() if write),
        tuple(needed.items()),
    )


def _real(path: str, links: dict[str, str]) -> str:
    """Follow a path, noting every link on the way by its own real place."""
    here = ""
    for part in os.path.normpath(path).strip("/").split("/"):
        here = f"{here}/{part}" if part else here
        if os.path.islink(here):
            links[here] = here = os.path.realpath(here)
            here = here.rstrip("/")
    return here or "/"


def _mode(path: str, shown: dict[str, bool]) -> bool | None:
    """How a path is shown by what is shown above it: True for `rw`; None if it is not."""
    while path != "/":
        if path in shown:
            return shown[path]
        path = os.path.dirname(path)
    return None


def gathered(ro: tuple[str, ...]) -> tuple[str, ...]:
    """Give fewer paths that have these in them: the folders in which many of them lie.

    What else lies there must then be denied otherwise.
    """
    for _ in range(3):
        if len(ro) <= MOST_MOUNTS:
            break
        crowd = Counter(map(os.path.dirname, ro))
        # A folder straight below the root would show too much of the machine.
        up = {
            folder for folder, count in crowd.items() if count >= _WORTH and folder.count("/") > 1
        }
        if not up:
            up = {name for name in crowd if name.count("/") > 2}
        ro = tuple(sorted({os.path.dirname(p) if os.path.dirname(p) in up else p for p in ro}))
    return ro
