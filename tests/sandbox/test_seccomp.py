"""The filter of system calls, run by an interpreter of its own little language."""

from __future__ import annotations

import errno
import struct

import pytest

from pylightnix.sandbox.seccomp import program

X86, ARM = 0xC000003E, 0xC00000B7
ALLOW, KILL = 0x7FFF0000, 0x80000000
MACHINES = {"x86_64": X86, "aarch64": ARM}
NUMBERS = {
    # From the kernel's tables: name -> (x86_64, aarch64).
    "read": (0, 63),
    "openat": (257, 56),
    "execve": (59, 221),
    "ptrace": (101, 117),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "io_uring_setup": (425, 425),
    "perf_event_open": (298, 241),
    "clone": (56, 220),
    "clone3": (435, 435),
    "socket": (41, 198),
    "ioctl": (16, 29),
}
DENIED = [
    "ptrace",
    "mount",
    "unshare",
    "setns",
    "keyctl",
    "bpf",
    "userfaultfd",
    "kexec_load",
    "io_uring_setup",
    "perf_event_open",
]


def no(number: int) -> int:
    return 0x50000 | number


def judged(code: bytes, number: int, *args: int, arch: int) -> int:
    """What the kernel would say of a call."""
    words = [arg & 0xFFFFFFFFFFFFFFFF for arg in (*args, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    codes = list(struct.iter_unpack("=HBBI", code))
    at, value = 0, 0
    while True:
        kind, yes, otherwise, k = codes[at]
        at += 1
        if kind == 0x20:
            (value,) = struct.unpack_from("=I", data, k)
        elif kind == 0x06:
            return int(k)
        else:
            holds = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[kind]
            at += yes if holds else otherwise


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def asked(machine: str, name: str, *args: int, inet: bool = True) -> int:
    code = program(machine, inet=inet)
    assert code is not None
    which = list(MACHINES).index(machine)
    return judged(code, NUMBERS[name][which], *args, arch=MACHINES[machine])


@pytest.mark.parametrize("name", ["read", "openat", "execve"])
def test_what_programs_need_is_allowed(machine: str, name: str) -> None:
    assert asked(machine, name) == ALLOW


@pytest.mark.parametrize("name", DENIED)
def test_what_no_program_needs_is_denied(machine: str, name: str) -> None:
    assert asked(machine, name) == no(errno.EPERM)


@pytest.mark.parametrize("flag", [1 << 17, *(1 << bit for bit in range(25, 31))])
def test_a_clone_may_not_make_namespaces(machine: str, flag: int) -> None:
    assert asked(machine, "clone", flag | 17) == no(errno.EPERM)


def test_threads_and_forks_are_allowed(machine: str) -> None:
    assert asked(machine, "clone", 17) == ALLOW
    assert asked(machine, "clone", 0x3D0F00) == ALLOW  # what pthread_create gives


def test_the_clone_whose_flags_cannot_be_seen_is_not_there(machine: str) -> None:
    assert asked(machine, "clone3") == no(errno.ENOSYS)


def test_another_architecture_is_killed(machine: str) -> None:
    code = program(machine)
    assert code is not None
    for arch in {0x40000003, 0x40000028, X86, ARM} - {MACHINES[machine]}:
        assert judged(code, 0, arch=arch) == KILL


def test_the_second_table_of_the_same_architecture_is_refused() -> None:
    code = program("x86_64")
    assert code is not None
    for number in (0x40000000, 0x40000000 | 101, 0xFFFFFFFF):
        assert judged(code, number, arch=X86) == no(errno.ENOSYS)


@pytest.mark.parametrize("family", [40, 38, 17, 29])
def test_sockets_are_of_families_that_a_namespace_holds(machine: str, family: int) -> None:
    assert asked(machine, "socket", family) == no(errno.EACCES)
    for kept in (1, 2, 10, 16):
        assert asked(machine, "socket", kept) == ALLOW


def test_without_a_namespace_they_are_of_this_machine_only(machine: str) -> None:
    assert asked(machine, "socket", 1, inet=False) == ALLOW
    for family in (2, 10, 16, 17, 40):
        assert asked(machine, "socket", family, inet=False) == no(errno.EACCES)


def test_nothing_is_typed_into_a_terminal(machine: str) -> None:
    assert asked(machine, "ioctl", 0, 0x5412) == no(errno.EPERM)
    assert asked(machine, "ioctl", 0, 0x541C) == no(errno.EPERM)
    assert asked(machine, "ioctl", 0, 0x5401) == ALLOW


def test_an_unknown_machine_has_no_filter() -> None:
    assert program("vax") is None


def test_every_jump_lands_within_the_program(machine: str) -> None:
    code = program(machine, inet=False)
    assert code is not None
    codes = list(struct.iter_unpack("=HBBI", code))
    for at, (kind, yes, otherwise, _) in enumerate(codes):
        if kind & 7 == 5:
            assert max(yes, otherwise) + at + 1 < len(codes)
    assert codes[-1][0] == 6
