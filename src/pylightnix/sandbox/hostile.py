"""A program that tries what a sandbox denies; it is run in one, and says what it could do.

It stands alone, on the standard library, and is given by `trials` everything that it acts on: files
in folders that were made for it, a listener, a process to kill. It refuses to run outside, changes
mounts only in a namespace of its own, and stops at small numbers, so that it harms nothing where a
sandbox does not hold.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable

MEMORY_BYTES = 256 << 20
PIDS = 48
FILE_BYTES = 4 << 20

_PR_GET_NO_NEW_PRIVS = 39
_PTRACE_TRACEME, _PTRACE_SEIZE = 0, 0x4206
_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x10000000
_MS_PRIVATE, _MS_REC = 1 << 18, 1 << 14

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Try everything; a line for each: its name, what came of it, and the error."""
    if _libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        sys.exit("refused: this is not inside a sandbox")
    scratch, outside, thing, tcp, udp, abstract, victim = sys.argv[1:]
    tries: dict[str, Callable[[], object]] = {
        "file": lambda: _read(outside),
        "object": lambda: _listed_or_read(thing),
        "tcp": lambda: socket.create_connection(("127.0.0.1", int(tcp)), 2).close(),
        "udp": lambda: _send(int(udp)),
        "abstract": lambda: _connect(abstract),
        "kill": lambda: os.kill(int(victim), signal.SIGTERM),
        "ptrace": lambda: _in_child(lambda: _ptrace(int(victim))),
        "mount": lambda: _in_child(lambda: _mount(scratch)),
        "userns": lambda: _in_child(lambda: _called("unshare", _CLONE_NEWUSER)),
        "memory": lambda: _in_child(lambda: bytearray(b"x") * MEMORY_BYTES),
        "pids": _fork,
        "disk": lambda: _fill(f"{scratch}/big"),
    }
    for name, attempt in tries.items():
        try:
            attempt()
        except (OSError, MemoryError, ChildProcessError) as error:
            number = getattr(error, "errno", None)
            detail = errno.errorcode.get(number or 0, str(error) or type(error).__name__)
            _say(f"{name} denied {detail}")
        else:
            _say(f"{name} allowed -")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read()


def _listed_or_read(folder: str) -> None:
    """Either will do harm: names tell, too."""
    try:
        os.listdir(folder)
    except OSError:
        _read(f"{folder}/data")


def _send(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", port))
        udp.send(b"hello")
        # Where a loopback of its own has no such port, the second one is told so.
        udp.send(b"hello")


def _connect(name: str) -> None:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.connect(f"\0{name}")


def _called(name: str, *args: object) -> None:
    if getattr(_libc, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), name)


def _ptrace(victim: int) -> None:
    try:
        _called("ptrace", _PTRACE_SEIZE, victim, None, None)
    except OSError:
        _called("ptrace", _PTRACE_TRACEME, 0, None, None)


def _mount(scratch: str) -> None:
    """Mount a folder of ours, in a namespace of ours; otherwise only ask whether we might."""
    try:
        _called("unshare", _CLONE_NEWNS)
    except OSError:
        # Of a folder that is no mount: EINVAL for those who may, EPERM for others.
        try:
            _called("mount", None, scratch.encode(), None, ctypes.c_ulong(_MS_PRIVATE), None)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return
    _called("mount", None, b"/", None, ctypes.c_ulong(_MS_REC | _MS_PRIVATE), None)
    _called("mount", b"tmpfs", scratch.encode(), b"tmpfs", ctypes.c_ulong(0), b"size=4096")


def _in_child(attempt: Callable[[], object]) -> None:
    """Try something that changes or ends the process that does it."""
    child = os.fork()
    if not child:
        status = 255
        try:
            attempt()
            status = 0
        except OSError as error:
            status = error.errno or 255
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        raise ChildProcessError(signal.Signals(-code).name)
    if code:
        raise OSError(code if code < 255 else errno.ENOMEM, "")


def _fork() -> None:
    """Have some children at once, which end when we close a pipe."""
    read, write = os.pipe()
    children: list[int] = []
    try:
        for _ in range(PIDS):
            child = os.fork()
            if not child:
                os.close(write)
                os.read(read, 1)
                os._exit(0)
            children.append(child)
    finally:
        os.close(write)
        os.close(read)
        for child in children:
            os.waitpid(child, 0)


def _fill(path: str) -> None:
    with open(path, "wb", buffering=0) as file:
        for _ in range(FILE_BYTES >> 16):
            file.write(b"\0" * (1 << 16))


if __name__ == "__main__":
    main()
