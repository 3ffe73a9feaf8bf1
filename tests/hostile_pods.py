"""A pod that means harm, and what it tries; run it only in a sandbox, which bounds it."""

from __future__ import annotations

from collections.abc import Mapping

# Each bounds itself as well: in what it forks, in how much it takes.
SOURCE = '''
import os, sys, time, warnings


def ok(x):
    return x


def noise():
    for _ in range(1000):
        print("noise" * 20)
    sys.stdout.flush()
    return 1


def warning():
    warnings.warn("beware")
    sys.stderr.write("\\x05\\x00\\x00\\x00\\x00")
    return 1


def leave():
    raise SystemExit(3)


def segfault():
    import ctypes

    ctypes.string_at(0)


def memory():
    kept = []
    for _ in range(64):
        kept.append(bytearray(os.urandom(1)) * (16 << 20))
    return len(kept)


def fork_bomb():
    if os.getpid() > 100:
        raise RuntimeError("not in a sandbox: nothing was tried")
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
    return "300 processes"


def loop():
    while True:
        pass


def huge():
    return bytes(1 << 30)


def channel():
    """The descriptor of the channel, found by looking."""
    import stat

    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass


def garbage():
    os.write(channel(), b"\\xff" * 100)
    time.sleep(20)


def impostor():
    os.write(channel(), b"\\x1a\\0\\0\\0\\x10id\\0\\x63\\0\\0\\0\\x02op\\0\\x05\\0\\0\\0done\\0\\0")
    time.sleep(20)


def half():
    os.write(channel(), b"\\xff\\0\\0\\0half")
    time.sleep(20)
'''
NAMED = ("RemoteError", "WorkerDied", "PodTimeout")
# What is called -> what may come of it: a value, or one of the errors by name.
SET: Mapping[str, tuple[str, ...]] = {
    "noise": ("value",),
    "warning": ("value",),
    "leave": ("RemoteError",),
    "segfault": ("WorkerDied",),
    "memory": ("RemoteError", "WorkerDied"),
    "fork_bomb": NAMED,
    "loop": ("PodTimeout",),
    "huge": ("RemoteError", "WorkerDied"),
}
LIARS: Mapping[str, tuple[str, ...]] = {
    "garbage": ("WorkerDied",),
    "impostor": ("WorkerDied",),
    "half": ("PodTimeout",),
}
