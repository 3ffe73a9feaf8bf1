"""System calls that Python has no function for, made through the C library."""

from __future__ import annotations

import ctypes
import os

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_MODE_FILTER = 2
_SIGPIPE, _SIGXFSZ = 13, 25
_CAP_VERSION = 0x20080522

# Numbers on (x86_64, others, which all have the generic table).
_PIVOT_ROOT, _CAPSET = (155, 41), (126, 91)
_MOUNT_SETATTR = 442

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_x86 = os.uname().machine == "x86_64"


def syscall(number: int, *args: int | bytes | ctypes.c_void_p | None) -> int:
    """Make a system call; integers are passed as 64 bits.

    Raises:
        OSError: it failed.
    """
    words = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    done: int = _libc.syscall(ctypes.c_long(number), *words)
    return _checked(done, f"system call {number}")


def _checked(done: int, what: str) -> int:
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return done


def _prctl(option: int, *args: int) -> None:
    words = [ctypes.c_ulong(arg) for arg in (*args, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *words), f"prctl {option}")


def unshare(flags: int) -> None:
    """Give this process namespaces of its own."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount something."""
    texts = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    done = _libc.mount(*texts, ctypes.c_ulong(flags), data.encode() or None)
    _checked(done, f"mount {target}")


def unmount(target: str) -> None:
    """Take a mount away as soon as nobody uses it."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def bind(source: str, target: str, *, write: bool) -> None:
    """Show a file or folder at a second place, with all that is mounted below it."""
    mount(source, target, None, MS_BIND | MS_REC)
    flags = MS_NOSUID | MS_NODEV | (0 if write else MS_RDONLY)
    # Bits of the old interface have the same values in the new one, which alone is recursive.
    attributes = (ctypes.c_uint64 * 4)(flags, 0, 0, 0)
    given = ctypes.cast(attributes, ctypes.c_void_p)
    syscall(_MOUNT_SETATTR, _AT_FDCWD, os.fsencode(target), _AT_RECURSIVE, given, 32)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root, and show the one before at `old`."""
    syscall(_PIVOT_ROOT[not _x86], os.fsencode(new), os.fsencode(old))


def die_with_parent() -> None:
    """Have this process killed when the thread that started it is gone."""
    _prctl(_PR_SET_PDEATHSIG, 9)


def hide_memory() -> None:
    """Let no other process of the same user look into this one."""
    _prctl(_PR_SET_DUMPABLE, 0)


def no_new_privileges() -> None:
    """Let no program that is started have more rights than this one (setuid)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up every capability, for programs that are started too."""
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        last = int(file.read())
    for number in range(last + 1):
        _prctl(_PR_CAPBSET_DROP, number)
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    syscall(
        _CAPSET[not _x86],
        ctypes.cast(header, ctypes.c_void_p),
        ctypes.cast(nothing, ctypes.c_void_p),
    )


def heed_signals() -> None:
    """Undo what Python ignores, and what a program that it becomes would ignore too.

    By hand, as `signal` takes as long to load as all the rest of the launcher.
    """
    _libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
    for number in (_SIGPIPE, _SIGXFSZ):
        _libc.signal(number, None)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("codes", ctypes.c_void_p))


def filter_calls(program: bytes) -> None:
    """Put a filter before all system calls from now on; it is never taken away."""
    codes = ctypes.create_string_buffer(program, len(program))
    given = _Program(len(program) // 8, ctypes.addressof(codes))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(given))
