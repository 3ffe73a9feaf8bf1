"""A store to look at, and the program as a function of words."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from pylightnix import (
    Build,
    BuildFailed,
    Closure,
    DRef,
    Registry,
    RRef,
    Store,
    build_cattrs,
    build_outpath,
    build_path,
    build_run,
    build_wrapper,
    instantiate,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    realize,
    selfref,
    store_initialize,
)
from pylightnix.store.fsys import delete_tree

WEIRD = "we\nird\x1b[31m"


@dataclass(frozen=True)
class Shop:
    """`exp` with three realizations, `report` made of the last of them, and `bad`, which fails.

    Attributes:
        exps: realizations of `exp`, in the order in which they were built.
        report: the one realization of `report`.
    """

    store: Store
    exp: DRef
    exps: tuple[RRef, ...]
    report_drv: DRef
    report: RRef
    bad: DRef

    @property
    def root(self) -> str:
        """The folder that holds the store."""
        return os.path.dirname(self.store.objects)

    def folder(self, ref: DRef | RRef) -> str:
        """The folder of an object."""
        inner = f"{ref[38:]}/{ref[5:37]}" if isinstance(ref, RRef) else ref[5:]
        return f"{self.store.objects}/{inner}"


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """What it printed in the machine form: one line."""
        assert self.err == ""
        assert self.out.count("\n") == 1
        value = json.loads(self.out)
        assert self.out == json.dumps(value, sort_keys=True) + "\n"
        return value


Run: TypeAlias = Callable[..., Done]


def _measure(b: Build) -> None:
    out = build_outpath(b)
    trial = b.rarg["trial"]
    (out / "score.txt").write_text(f"{trial}\n")
    (out / "data.bin").write_bytes(bytes(range(256)) * 8)
    (out / "run.sh").write_text("#!/bin/sh\n")
    (out / "run.sh").chmod(0o755)
    (out / "sub").mkdir()
    (out / "sub" / "inner").mkdir()
    (out / "sub" / "inner" / "é.txt").write_text("é\n")
    (out / "sub" / "latest").symlink_to("inner/é.txt")
    (out / WEIRD).write_text("?")
    build_run(b, ["echo", f"trial {trial}"])


def _write_report(b: Build) -> None:
    source = build_path(b, build_cattrs(b).source)
    (build_outpath(b) / "report.txt").write_text("score " + source.read_text())


def _fail(b: Build) -> None:
    build_run(b, ["sh", "-c", "echo it went wrong; exit 3"])


def exp(r: Registry) -> DRef:
    """Something that comes out differently each time."""
    config = {"name": "exp", "score": [selfref, "score.txt"], "odd": "\u202e\x9b é", "lr": 0.1}
    return mkdrv(mkconfig(config), match_latest(), build_wrapper(_measure), r)


def report(r: Registry) -> DRef:
    """Something made of that."""
    config = {"name": "report", "source": [exp(r), "score.txt"]}
    return mkdrv(mkconfig(config), match_only(), build_wrapper(_write_report), r)


def bad(r: Registry) -> DRef:
    """Something that cannot be built."""
    return mkdrv(mkconfig({"name": "bad"}), match_only(), build_wrapper(_fail), r)


def target(closure: Closure) -> DRef:
    """The one derivation that a closure is for."""
    (dref,) = closure.targets
    return dref


def open_shop() -> Shop:
    """Make the store that the environment names, and put everything into it."""
    store = store_initialize(durability=None)
    trials = itertools.count(1)
    closure = instantiate(exp)
    dref = target(closure)
    exps = tuple(
        realize(closure, force_rebuild=True, realize_args={dref: {"trial": next(trials)}})
        for _ in range(3)
    )
    of_report = instantiate(report)
    made = realize(of_report)
    failing = instantiate(bad)
    try:
        realize(failing)
    except BuildFailed:
        pass
    else:
        raise AssertionError("it should have failed")
    for name in os.listdir(f"{store.var}/tmp"):
        delete_tree(f"{store.var}/tmp/{name}")  # as if it had been collected
    return Shop(store, dref, exps, target(of_report), made, target(failing))
