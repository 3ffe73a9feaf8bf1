"""A file system of our own in a file, whose power can be cut; only in a mount namespace of its own.

Without the namespace a file system that was shut down once stayed shut after it was mounted again.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import time
import uuid
from pathlib import Path

FLUSH_ALL, FLUSH_LOG, FLUSH_NOTHING = 0, 1, 2
_SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN
_BIND = 4096  # MS_BIND
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_MAKE = {
    "ext4": (64 << 20, ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0")),
    "xfs": (320 << 20, ("mkfs.xfs", "-q", "-f")),
}
NAMESPACE = ("unshare", "--mount", "--propagation", "private")


def unavailable() -> str | None:
    """Tell why no power can be cut here; None if it can, as far as can be told without trying."""
    if os.geteuid() != 0:
        return "only root may mount a file system and shut it down"
    missing = [name for name in ("unshare", "losetup", "mkfs.ext4") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no mount namespace here: {tried.stderr.strip()}"


def kinds() -> list[str]:
    """Give the file systems that can be made here."""
    return [kind for kind, (_, make) in _MAKE.items() if shutil.which(make[0])]


class Disk:
    """A file system in a file; a stateful handle.

    Attributes:
        top: where it is mounted.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        size, make = _MAKE[kind]
        self._kind = kind
        self._image, self._boot, self.top = folder / kind, folder / "boot_id", f"{folder}/mounted"
        self._image.touch()
        os.truncate(self._image, size)
        Path(self.top).mkdir()
        subprocess.run([*make, self._image], check=True, stdout=subprocess.DEVNULL)
        found = subprocess.run(
            ["losetup", "--find", "--show", self._image], check=True, capture_output=True, text=True
        )
        self._device = found.stdout.strip()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.reboots = self._own_boot_id()
        self.mount()

    def _own_boot_id(self) -> bool:
        """Let what reads the kernel's name of this boot read one that we can change."""
        self._boot.write_text(f"{uuid.uuid4()}\n")
        return self._mounted(str(self._boot), _BOOT_ID, None, _BIND)

    def _mounted(self, what: str, where: str, kind: str | None, flags: int = 0) -> bool:
        names = (what.encode(), where.encode(), None if kind is None else kind.encode())
        return bool(self._libc.mount(*names, flags, None) == 0)

    def mount(self) -> None:
        """Mount it, as after a reboot; the file system mends itself from its journal."""
        if self.reboots:
            self._boot.write_text(f"{uuid.uuid4()}\n")
        if not self._mounted(self._device, self.top, self._kind):
            raise OSError(ctypes.get_errno(), f"cannot mount {self._kind}")

    def unmount(self) -> None:
        """Unmount it; who was killed on it may need a moment to be gone."""
        for _ in range(200):
            if self._libc.umount2(self.top.encode(), 0) == 0:
                return
            time.sleep(0.005)
        raise OSError(ctypes.get_errno(), f"cannot unmount {self._kind}")

    def handle(self) -> int:
        """Open the file system, to cut its power by."""
        return os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def flush(self) -> None:
        """Bring all that was written so far to the disk."""
        fd = self.handle()
        self._libc.syncfs(fd)
        os.close(fd)

    def close(self) -> None:
        """Let go of everything."""
        self.unmount()
        subprocess.run(["losetup", "--detach", self._device], check=False)


def cut(fd: int, flags: int) -> None:
    """Cut the power of the file system on which a descriptor is open."""
    fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", flags))
