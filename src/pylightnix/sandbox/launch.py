"""The launcher: a program that gives up rights one by one, and then becomes another program.

`start` runs it as `python -I -S -c ... ORDER TROUBLE`, with the numbers of two descriptors: the
order to read, and a pipe that closes when the program runs, or says why it does not. It works
before the sandbox is closed, and so takes nothing from the environment or the working folder.
"""

from __future__ import annotations

import os
import resource
import sys

from . import kernel, landlock
from .orders import DEVICES, Order, both_limits, unpacked
from .room import make_room

_NAMESPACES = kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
_FAILED = 126
_PATH = "/usr/local/bin:/usr/bin:/bin"


def main() -> None:
    """Read the order, and carry it out; does not return."""
    order_fd, trouble_fd = int(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(trouble_fd, False)
    try:
        with open(order_fd, "rb") as file:
            order = unpacked(file.read())
        kernel.die_with_parent()
        for group in order.cgroups:
            with open(group, "wb", buffering=0) as procs:
                procs.write(b"0")
        if order.backend == "unshare":
            _in_namespaces(order, trouble_fd)
        _narrowed(order)
        _become(order)
    except Exception as error:
        os.write(trouble_fd, f"{type(error).__name__}: {error}".encode(errors="replace")[:4000])
    finally:
        os._exit(_FAILED)


def _in_namespaces(order: Order, trouble_fd: int) -> None:
    """Go on in namespaces of our own, as the child of their first process.

    Nobody but the first process takes up orphans there, and it alone may not be killed by signals
    from inside; so it is not the program itself.
    """
    uid, gid = os.getuid(), os.getgid()
    kernel.unshare(_NAMESPACES | (0 if order.network else kernel.CLONE_NEWNET))
    maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for name, line in maps.items():
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)
    first = os.fork()
    if first:
        _stand_by(first)
    kernel.die_with_parent()
    # Not shared with the process before, whose root would be taken away in the middle of its work.
    kernel.unshare(kernel.CLONE_NEWNS)
    make_room(order)
    kernel.no_new_privileges()
    kernel.drop_capabilities()
    kernel.hide_memory()
    program = os.fork()
    if program:
        _stand_by(program)
    kernel.die_with_parent()


def _stand_by(child: int) -> None:
    """Wait for a child, reaping what else ends, and end as it does; keep nothing open meanwhile."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    status = 0
    ended = 0
    while ended != child:
        ended, status = os.waitpid(-1, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def _narrowed(order: Order) -> None:
    """Give up rights; what is given up first may not be needed for what follows."""
    kernel.no_new_privileges()
    if order.backend in ("landlock", "narrow") or (order.backend == "unshare" and landlock.abi()):
        devices = tuple(path for name in DEVICES if os.path.exists(path := f"/dev/{name}"))
        alone = order.backend != "landlock"  # with folders that were made for it
        seen = ("/proc",) if alone else ()
        private = ("/tmp", "/dev/shm") if alone else ()  # noqa: S108
        seen = (*seen, *(place for place, _ in order.placed))
        own = (place for place, _ in (*order.mapped, *order.volumes))
        landlock.restrict(
            (*order.ro, *seen), (*order.rw, *own, *devices, *private), network=order.network
        )
    for name, limit in order.rlimits.items():
        number = getattr(resource, name)
        resource.setrlimit(number, both_limits(name, limit, resource.getrlimit(number)[1]))
    if order.calls:
        kernel.filter_calls(order.calls)


def _become(order: Order) -> None:
    kernel.heed_signals()
    os.chdir(order.cwd)
    program = order.argv[0]
    places = [""] if "/" in program else order.env.get("PATH", _PATH).split(":")
    # Not execvpe: it imports a module, which may be out of sight by now.
    failure: OSError = FileNotFoundError(f"there is no program {program}")
    for place in places:
        try:
            os.execve(f"{place}/{program}" if place else program, order.argv, order.env)  # noqa: S606
        except FileNotFoundError:
            pass
        except OSError as error:
            failure = error
    raise failure
