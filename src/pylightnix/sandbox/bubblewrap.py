"""What bubblewrap is told: an order in its words."""

from __future__ import annotations

import os
import sys

from . import landlock
from .grants import MOST_MOUNTS, gathered
from .orders import SETTINGS, Order
from .system import outermost, python_paths

_PRIVATE = ("/tmp/", "/dev/shm/")  # noqa: S108
_ALWAYS = (
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--cap-drop",
    "ALL",
    "--clearenv",
)


def words(order: Order, *, seccomp: int | None, status: int, block: int) -> list[str]:
    """Give what goes before the program; passed by a descriptor, so that `ps` does not show it.

    Args:
        order: what to do.
        seccomp: descriptor of the filter of system calls.
        status: descriptor to which it tells of its child.
        block: descriptor on which it waits before the program runs.
    """
    told = [*_ALWAYS, *(["--share-net"] if order.network else [])]
    for name, text in order.env.items():
        told += ["--setenv", name, text]
    size = str(order.tmp_bytes)
    told += ["--proc", "/proc"]
    for path in SETTINGS:
        told += ["--ro-bind-try", path, path]
    told += ["--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm"]  # noqa: S108
    told += ["--remount-ro", "/dev", "--size", size, "--tmpfs", "/tmp"]  # noqa: S108
    writable = frozenset(order.rw)
    for path in sorted({*order.ro, *order.rw}):
        told += ["--bind" if path in writable else "--ro-bind", path, path]
    for place, path in order.mapped:
        told += ["--bind", path, place]
    for place, path in order.placed:
        told += ["--ro-bind", path, place]
    for place, most_bytes in order.volumes:
        told += ["--size", str(most_bytes), "--tmpfs", place]
    for path, target in order.links:
        told += ["--symlink", target, path]
    told += ["--remount-ro", "/", "--chdir", order.cwd]
    told += ["--json-status-fd", str(status), "--block-fd", str(block)]
    if seccomp is not None:
        told += ["--seccomp", str(seccomp)]
    return told


def is_crowded(order: Order) -> bool:
    """Tell whether there are more mounts than bubblewrap makes in reasonable time.

    In a private folder, which may be changed with all below it, Landlock could narrow nothing:
    there each is mounted, however long that takes.
    """
    if len(order.ro) + len(order.rw) <= MOST_MOUNTS or not landlock.abi():
        return False
    return not any(path.startswith(_PRIVATE) for path in gathered(order.ro))


def crowded(order: Order) -> Order:
    """Mount the folders in which many granted paths lie, and what the launcher needs inside.

    The launcher then gives up, by Landlock, all of these but what was granted.
    """
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    needed = [os.path.realpath(path) for path in (*python_paths(), sys.executable, ours)]
    ro = outermost((*gathered(order.ro), *needed))
    return Order(
        order.backend,
        order.argv,
        {},
        "/",
        ro,
        order.rw,
        order.links,
        order.network,
        order.tmp_bytes,
        calls=order.calls,
        mapped=order.mapped,
        placed=order.placed,
        volumes=order.volumes,
    )
