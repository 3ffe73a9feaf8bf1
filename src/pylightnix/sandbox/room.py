"""A root of its own for a process in new namespaces: what is granted, and nothing else."""

from __future__ import annotations

import os

from . import kernel
from .orders import DEVICES, SETTINGS, Order

_OLD = "/.old"
_LINKS = {"fd": "self/fd", "stdin": "self/fd/0", "stdout": "self/fd/1", "stderr": "self/fd/2"}


def make_room(order: Order) -> None:
    """Make a temporary root, show in it what is granted, and leave the old one."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    place = "/tmp"  # noqa: S108 - covered in this namespace only
    kernel.mount("tmpfs", place, "tmpfs", flags, f"mode=755,size={order.tmp_bytes}")
    os.mkdir(f"{place}{_OLD}")
    kernel.pivot_root(place, f"{place}{_OLD}")
    os.chdir("/")
    for folder, mode in (("/tmp", 0o1777), ("/dev", 0o755), ("/dev/shm", 0o1777), ("/proc", 0o755)):  # noqa: S108
        os.mkdir(folder)
        os.chmod(folder, mode)
    kernel.mount("proc", "/proc", "proc", flags | kernel.MS_NOEXEC)
    for path in SETTINGS:
        if os.path.exists(path):
            kernel.bind(path, path, write=False)
    for name in DEVICES:
        _device(name)
    for name, target in _LINKS.items():
        os.symlink(f"/proc/{target}", f"/dev/{name}")
    # Outer paths first, so that what lies in them is not covered.
    writable = frozenset(order.rw)
    for path in sorted({*order.ro, *order.rw}):
        _show(path, path, write=path in writable)
    for place, path in sorted(order.mapped):
        _show(path, place, write=True)
    for place, path in sorted(order.placed):
        _show(path, place, write=False)
    for place, most_bytes in order.volumes:
        os.makedirs(place, exist_ok=True)
        kernel.mount("tmpfs", place, "tmpfs", flags, f"mode=755,size={most_bytes}")
    for path, target in order.links:
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)
    kernel.unmount(_OLD)
    os.rmdir(_OLD)


def _device(name: str) -> None:
    if os.path.exists(f"{_OLD}/dev/{name}"):
        _touch(f"/dev/{name}")
        kernel.mount(f"{_OLD}/dev/{name}", f"/dev/{name}", None, kernel.MS_BIND)


def _show(path: str, place: str, *, write: bool) -> None:
    source = f"{_OLD}{path}"
    if os.path.isdir(source):
        os.makedirs(place, exist_ok=True)
    elif not os.path.lexists(place):
        os.makedirs(os.path.dirname(place), exist_ok=True)
        _touch(place)
    kernel.bind(source, place, write=write)


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
