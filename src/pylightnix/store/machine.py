"""Which machine this is, and which run of it."""

from __future__ import annotations

import os
from functools import lru_cache


@lru_cache(maxsize=1)
def host() -> str:
    """The name of this machine."""
    return os.uname().nodename


@lru_cache(maxsize=1)
def boot_id() -> str:
    """What tells this run of the machine from earlier ones; empty where nobody knows."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
