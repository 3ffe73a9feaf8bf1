"""System calls that no sandboxed program needs, denied by a filter in the kernel (seccomp, BPF).

The filter allows all but a list: what looks into other processes, changes what is mounted, makes
or enters namespaces, loads code into the kernel, or goes around the filter itself (io_uring, the
x32 and 32-bit calls). `clone3` hides its flags behind a pointer that a filter cannot follow, so it
is not there (ENOSYS), and the C library falls back to `clone`, whose flags are looked at.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Sequence

# Numbers on (x86_64, aarch64); None where there is no such call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "unshare": (272, 97),
    "setns": (308, 268),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "lookup_dcookie": (212, 18),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_SOCKET = (41, 198)
_IOCTL = (16, 29)
_ARCHES = ("x86_64", "aarch64")
_AUDIT = (0xC000003E, 0xC00000B7)
_X32 = 0x40000000

_NAMESPACES = 0x7E020000  # CLONE_NEWNS NEWCGROUP NEWUTS NEWIPC NEWUSER NEWPID NEWNET
_TYPES_INTO_TERMINAL = (0x5412, 0x541C)  # TIOCSTI TIOCLINUX
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

_KILL = 0x80000000
_ALLOW = 0x7FFF0000
_LOAD, _EQUAL, _ABOVE, _BITS, _GIVE = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _ARG0, _ARG1 = 0, 4, 16, 24

_Code = tuple[int, int, int, int]


def program(machine: str, *, inet: bool = True) -> bytes | None:
    """Make the filter for a kind of machine.

    Args:
        machine: as `os.uname().machine` says it.
        inet: whether sockets may be of the internet; where there is no namespace to keep them in,
            a filter is all that stops UDP.

    Returns:
        The instructions as the kernel takes them; None for a machine whose calls are not known.
    """
    if machine not in _ARCHES:
        return None
    which = _ARCHES.index(machine)
    return b"".join(struct.pack("=HBBI", *code) for code in _codes(which, inet))


def _codes(which: int, inet: bool) -> Iterator[_Code]:
    yield _LOAD, 0, 0, _ARCH
    yield _EQUAL, 1, 0, _AUDIT[which]
    yield _GIVE, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    if which == 0:
        yield _ABOVE, 0, 1, _X32
        yield _GIVE, 0, 0, _no(errno.ENOSYS)
    for numbers in _DENIED.values():
        number = numbers[which]
        if number is not None:
            yield _EQUAL, 0, 1, number
            yield _GIVE, 0, 0, _no(errno.EPERM)
    yield _EQUAL, 0, 1, _CLONE3[which]
    yield _GIVE, 0, 0, _no(errno.ENOSYS)
    yield from _when(_CLONE[which], _clone())
    yield from _when(_IOCTL[which], _ioctl())
    yield from _when(_SOCKET[which], _socket(inet))
    yield _GIVE, 0, 0, _ALLOW


def _when(number: int, body: Sequence[_Code]) -> Iterator[_Code]:
    """Run some instructions, which end, for one call only."""
    yield _EQUAL, 0, len(body), number
    yield from body


def _clone() -> list[_Code]:
    return [
        (_LOAD, 0, 0, _ARG0),
        (_BITS, 0, 1, _NAMESPACES),
        (_GIVE, 0, 0, _no(errno.EPERM)),
        (_GIVE, 0, 0, _ALLOW),
    ]


def _ioctl() -> list[_Code]:
    body: list[_Code] = [(_LOAD, 0, 0, _ARG1)]
    for request in _TYPES_INTO_TERMINAL:
        body += [(_EQUAL, 0, 1, request), (_GIVE, 0, 0, _no(errno.EPERM))]
    return [*body, (_GIVE, 0, 0, _ALLOW)]


def _socket(inet: bool) -> list[_Code]:
    """Families that are known to be kept in a network namespace, and no other (vsock is not)."""
    families = (_UNIX, _INET, _INET6, _NETLINK) if inet else (_UNIX,)
    body: list[_Code] = [(_LOAD, 0, 0, _ARG0)]
    for family in families:
        body += [(_EQUAL, 0, 1, family), (_GIVE, 0, 0, _ALLOW)]
    return [*body, (_GIVE, 0, 0, _no(errno.EACCES))]


def _no(number: int) -> int:
    return 0x00050000 | number
