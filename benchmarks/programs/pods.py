"""Calls of a pod and of execnet in turn, in one process: prints what each took, as JSON.

pods.py calls FOLDER ROUNDS
pods.py boot FOLDER ROUNDS
pods.py create FOLDER WHEELS COLD FIRST
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from pylightnix import Store, instantiate, realize, rref2path
from pylightnix.pods import pod, pod_env, pod_lock, pod_open
from pylightnix.pods.interpreter import find_interpreter
from pylightnix.pods.uv import uv_program
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import SandboxUnavailable, usable

SOURCE = "def add(x, y):\n    return x + y\n\n\ndef echo(x):\n    return x\n"
GATEWAY = """\
def add(x, y):
    return x + y

while True:
    message = channel.receive()
    if message is None:
        break
    name, args = message
    channel.send(add(*args) if name == "add" else args[0])
"""
INTS, MIB = list(range(20_000)), b"x" * (1 << 20)


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The median of what a work took."""
    taken = []
    for _ in range(times):
        start_s = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start_s)
    return median(taken)


def opened_pod(folder: str) -> tuple[Store, Any, Policy | None]:
    """A store, a pod that is realized in it, and a sandbox where there is one."""
    top = Path(folder)
    top.mkdir(exist_ok=True)
    (top / "bench.py").write_text(SOURCE)
    store = Store.open(top / "root", create=True, durability="none")
    rref = realize(instantiate(pod(top / "bench.py", pod_env([])), store=store))
    try:
        usable(Policy())
    except SandboxUnavailable:
        return store, rref, None
    return store, rref, Policy()


class Execnet:
    """A gateway that answers the same calls; None of it where it is not installed."""

    def __init__(self) -> None:
        import execnet

        # Like the pod, with nothing installed beside the standard library.
        self.gateway = execnet.makegateway(f"popen//python={find_interpreter(None).path}")
        self.channel = self.gateway.remote_exec(GATEWAY)

    def call(self, name: str, *args: object) -> Any:
        self.channel.send((name, args))
        return self.channel.receive()


def calls(folder: str, rounds: int) -> dict[str, Any]:
    store, rref, policy = opened_pod(folder)
    try:
        peer: Execnet | None = Execnet()
    except ImportError:
        peer = None
    found: dict[str, list[float]] = {}

    def note(key: str, value: float) -> None:
        found.setdefault(key, []).append(value)

    with pod_open(rref, policy=policy, store=store) as ours:
        for turn in range(rounds + 1):
            works: dict[str, tuple[Callable[[], object], int]] = {
                "ours call": (lambda: ours.add(1, 2), 2000),
                "ours ints": (lambda: ours.echo(INTS), 20),
                "ours mib": (lambda: ours.echo(MIB), 20),
                "ours pipelined": (lambda: sum(ours.add.map(range(20_000), range(20_000))), 1),
            }
            if peer is not None:
                works |= {
                    "execnet call": (lambda: peer.call("add", 1, 2), 2000),
                    "execnet ints": (lambda: peer.call("echo", INTS), 5),
                    "execnet mib": (lambda: peer.call("echo", MIB), 20),
                }
            for key, (work, times) in works.items():
                taken = seconds(work, times)
                if turn:
                    note(key, taken / 20_000 if "pipelined" in key else taken)
    if peer is not None:
        peer.gateway.exit()
    return {"sandboxed": policy is not None, **found}


def boot(folder: str, rounds: int) -> dict[str, Any]:
    store, rref, policy = opened_pod(folder)
    found: dict[str, list[float]] = {"ours": [], "execnet": []}
    for turn in range(rounds + 1):
        start_s = time.perf_counter()
        with pod_open(rref, policy=policy, store=store) as ours:
            ours.add(1, 2)
            taken_s = time.perf_counter() - start_s
        if turn:
            found["ours"].append(taken_s)
        try:
            start_s = time.perf_counter()
            peer = Execnet()
            peer.call("add", 1, 2)
            taken_s = time.perf_counter() - start_s
            peer.gateway.exit()
        except ImportError:
            continue
        if turn:
            found["execnet"].append(taken_s)
    return {"sandboxed": policy is not None, **found}


def create(folder: str, wheels: str, cold: bool, first: bool) -> dict[str, float]:
    """An environment made by us, again, and by uv alone with byte code; the lock is there.

    Args:
        folder: for stores and caches.
        wheels: where packages come from.
        cold: each begins with an empty cache of uv's, instead of one that knows everything.
        first: whether we come first.
    """
    top = Path(folder)
    store = Store.open(top / "root", create=True, durability="none")
    lock = pod_lock(["needy"], find_links=wheels)
    os.environ["UV_CACHE_DIR"] = str(top / "cache")
    text = rref2path(realize(instantiate(lock, store=store)), store) / "requirements.lock"
    closure = instantiate(pod_env(lock, find_links=wheels), store=store)
    works = {"ours": lambda: realize(closure), "uv": lambda: by_uv(top / "by-uv", text, wheels)}
    if not cold:
        by_uv(top / "before", text, wheels)
    found = {}
    for name in works if first else reversed(works):
        if cold:
            os.environ["UV_CACHE_DIR"] = str(top / f"cache-{name}")
        found[name] = seconds(works[name])
    env = pod_env(lock, find_links=wheels)
    found["again"] = seconds(lambda: realize(instantiate(env, store=store)), 5)
    return found


def by_uv(place: Path, lock: Path, wheels: str) -> None:
    uv, out = uv_program(), str(place)
    python = find_interpreter(None).path
    subprocess.run([uv, "venv", "-q", "--relocatable", "--python", python, out], check=True)
    words = ["pip", "sync", "-q", "--python", f"{out}/bin/python", "--require-hashes"]
    words += ["--link-mode", "copy", "--compile-bytecode", "--offline", "--no-index"]
    subprocess.run([uv, *words, "--find-links", wheels, str(lock)], check=True)


if __name__ == "__main__":
    what, where, last = sys.argv[1:4]
    if what == "create":
        cold, first = (word == "True" for word in sys.argv[4:6])
        print(json.dumps(create(where, last, cold, first)))
    else:
        print(json.dumps((calls if what == "calls" else boot)(where, int(last))))
