"""Makes what an archive holds, below one folder and nowhere else, whatever names it is given."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from .entries import Parts
from .guard import Guard
from .links import stray_link

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_COPY_BYTES = 1024 * 1024


class Planter:
    """Plants folders and files at once; notes symbolic links and plants them last.

    So while files are written there is no link which they could be written through, and every step
    goes from a folder's descriptor to the next name without following links, so that nobody can
    slip one in meanwhile.
    """

    def __init__(self, folder: str, guard: Guard) -> None:
        """Work below an existing folder."""
        self._guard = guard
        self._links: dict[Parts, str] = {}
        self._top = os.open(folder, _FOLDER)
        self._at: Parts = ()
        self._fd = os.dup(self._top)

    def close(self) -> None:
        """Let go of the folders."""
        os.close(self._fd)
        os.close(self._top)

    def folder(self, parts: Parts) -> None:
        """Make a folder and those above it, where they are not there yet."""
        self._enter(parts)

    def file(self, parts: Parts, chunks: Iterator[bytes], *, executable: bool) -> None:
        """Write a regular file; one that came earlier under the same name is replaced."""
        name = "/".join(parts)
        with os.fdopen(self._fresh(parts), "wb") as out:
            os.fchmod(out.fileno(), 0o755 if executable else 0o644)
            for chunk in chunks:
                self._guard.wrote(name, len(chunk))
                out.write(chunk)

    def copy(self, parts: Parts, source: Parts) -> None:
        """Write a file like an earlier one: a hard link as the copy that a store wants anyway."""
        name = "/".join(parts)
        with os.fdopen(self._opened(source, name), "rb") as given:
            found = os.fstat(given.fileno())
            self._guard.promise(name, found.st_size)
            chunks = iter(lambda: given.read(_COPY_BYTES), b"")
            self.file(parts, chunks, executable=bool(found.st_mode & 0o111))

    def symlink(self, parts: Parts, target: str) -> None:
        """Note a symbolic link, to be made by `finish`."""
        if self._kind(self._enter(parts[:-1]), parts[-1]) is not None:
            raise self._other_kind(parts)
        self._guard.made("/".join(parts))
        self._links[parts] = target

    def finish(self) -> None:
        """Judge all links together, then make them."""
        stray = stray_link(self._links)
        if stray is not None:
            raise self._guard.hostile("/".join(stray[0]), stray[1])
        for link, target in self._links.items():
            os.symlink(target, link[-1], dir_fd=self._enter(link[:-1]))

    def _opened(self, source: Parts, name: str) -> int:
        """Open an earlier file for reading, for the hard link of this name."""
        what = f"is a hard link to {'/'.join(source)!r}, which"
        self._refuse_links(source, name)
        try:
            fd = os.open(source[-1], _SOURCE, dir_fd=self._enter(source[:-1], make=False))
        except (FileNotFoundError, IndexError):
            raise self._guard.hostile(name, f"{what} is not there") from None
        if stat.S_ISREG(os.fstat(fd).st_mode):
            return fd
        os.close(fd)
        raise self._guard.hostile(name, f"{what} is no file")

    def _fresh(self, parts: Parts) -> int:
        """Create an empty file that was not there before."""
        if parts in self._links:
            raise self._other_kind(parts)
        folder = self._enter(parts[:-1])
        self._guard.made("/".join(parts))
        try:
            return os.open(parts[-1], _FRESH, 0o600, dir_fd=folder)
        except FileExistsError:
            if not stat.S_ISREG(self._kind(folder, parts[-1]) or 0):
                raise self._other_kind(parts) from None
        os.unlink(parts[-1], dir_fd=folder)
        return os.open(parts[-1], _FRESH, 0o600, dir_fd=folder)

    def _enter(self, folder: Parts, *, make: bool = True) -> int:
        """Stand in a folder; the descriptor is good until the next call."""
        if folder == self._at:
            return self._fd
        self._refuse_links(folder, "/".join(folder))
        fd = os.dup(self._top)
        try:
            for depth in range(len(folder)):
                fd_above, fd = fd, self._step(fd, folder[: depth + 1], make)
                os.close(fd_above)
        except BaseException:
            os.close(fd)
            raise
        os.close(self._fd)
        self._at, self._fd = folder, fd
        return fd

    def _step(self, fd: int, folder: Parts, make: bool) -> int:
        """Open the next folder down, made if need be."""
        try:
            return os.open(folder[-1], _FOLDER, dir_fd=fd)
        except FileNotFoundError:
            if not make:
                raise
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            raise self._other_kind(folder) from None
        self._guard.made("/".join(folder))
        os.mkdir(folder[-1], 0o755, dir_fd=fd)
        made = os.open(folder[-1], _FOLDER, dir_fd=fd)
        os.fchmod(made, 0o755)  # whatever the umask
        return made

    def _refuse_links(self, parts: Parts, name: str) -> None:
        """Raise if a path, or the way to it, is a symbolic link of this archive."""
        if self._links and any(parts[: n + 1] in self._links for n in range(len(parts))):
            raise self._guard.hostile(name, "is reached through a symbolic link")

    def _other_kind(self, parts: Parts) -> Exception:
        """Word the refusal of a name that stands for two kinds of things."""
        return self._guard.hostile("/".join(parts), "comes twice, as things of different kinds")

    @staticmethod
    def _kind(folder: int, name: str) -> int | None:
        """The mode of what has this name; None if nothing has."""
        try:
            return os.lstat(name, dir_fd=folder).st_mode
        except FileNotFoundError:
            return None
