"""Bad stages, arguments, places of stores, environments, commands."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pylightnix as p

from .bad_cases import Case, Shop, closure_of, empty, given, of
from .bad_values import HEX


def stage_cases() -> Iterator[Case]:
    """Stages that return or do nonsense."""
    for what, result in {
        "nothing": None,
        "text": "dref",
        "a number": 1,
        "a set": {1},
        "a list of numbers": [1],
        "a strange derivation": p.DRef(f"dref:{HEX}-x"),
    }.items():
        yield of(
            f"a stage that gives {what}",
            given(_giving, result),
        )
    yield of("not a stage", lambda shop: p.instantiate(5, store=shop.store))  # type: ignore[call-overload]
    nothing: Any = None
    yield of("nothing to instantiate", lambda shop: p.instantiate(nothing, store=shop.store))
    yield of("an unknown dependency", _unknown)
    yield of("a matcher that is none", _drv(None, p.build_wrapper(empty)))
    yield of("a realizer that is none", _drv(p.match_only(), None))
    yield of("a config that is none", _config_is_none)
    yield of("no registry", lambda shop: p.mkdrv(p.mkconfig({}), p.match_only(), _nothing))
    yield of("the same registry inside itself", _nested)


def _giving(shop: Shop, result: Any) -> object:
    return p.instantiate(lambda: result, store=shop.store)


def _nothing(*args: Any) -> list[p.Path]:
    return []


def _unknown(shop: Shop) -> object:
    config = {"name": "x", "dep": f"dref:{HEX}-x"}
    return p.instantiate(
        lambda: p.mkdrv(p.mkconfig(config), p.match_only(), _nothing), store=shop.store
    )


def _drv(matcher: Any, realizer: Any) -> Callable[[Shop], object]:
    def stage() -> p.DRef:
        return p.mkdrv(p.mkconfig({"name": "x"}), matcher, realizer)

    return lambda shop: p.realize(p.instantiate(stage, store=shop.store))


def _config_is_none(shop: Shop) -> object:
    none: Any = None
    return p.instantiate(lambda: p.mkdrv(none, p.match_only(), _nothing), store=shop.store)


def _nested(shop: Shop) -> object:
    def stage(r: p.Registry) -> p.DRef:
        p.instantiate(p.mkfile, "x", "y", r=r, store=shop.store)
        return p.mkfile("x", "y")

    return p.instantiate(stage, store=shop.store)


def realize_cases() -> Iterator[Case]:
    """Arguments of `realize`."""
    strange = p.DRef(f"dref:{HEX}-x")
    options: dict[str, dict[str, Any]] = {
        "force of what is not there": {"force_rebuild": [strange]},
        "force of text": {"force_rebuild": "all"},
        "force of numbers": {"force_rebuild": [1]},
        "force of a number": {"force_rebuild": 7},
        "assert of what is not there": {"assert_realized": [strange]},
        "assert of None in a list": {"assert_realized": [None]},
        "arguments for what is not there": {"realize_args": {strange: {}}},
        "arguments that are text": {"realize_args": "x"},
        "a durability that is none": {"durability": "most"},
        "a time-out that is text": {"lock_timeout_s": "soon"},
        "a negative time-out": {"lock_timeout_s": -1},
        "a listener that is none": {"on_event": 5},
        "an option that does not exist": {"lock_timeout": 5},
    }
    for what, chosen in options.items():
        yield of(f"realize: {what}", _realize(chosen))
    yield of("realize of no closure", lambda shop: p.realize(None))  # type: ignore[arg-type]
    yield of("realize of a reference", lambda shop: p.realize(shop.dref))  # type: ignore[arg-type]
    yield of("realize of many", _several)
    yield Case(
        "assert of what must be built",
        lambda shop, closure: p.realize(closure, assert_realized=closure.targets),
        lambda shop: closure_of(shop, p.build_wrapper(empty)),
    )
    yield of("realize_inplace of nothing", lambda shop: p.realize_inplace(shop.dref))


def _realize(options: dict[str, Any]) -> Callable[[Shop], object]:
    return lambda shop: p.realize(shop.closure, **options)


def _several(shop: Shop) -> object:
    stage: Any = lambda: [p.mkfile("good", "text"), p.mkfile("other", "text")]  # noqa: E731
    return p.realize(p.instantiate(stage, store=shop.store))


def keep_cases() -> Iterator[Case]:
    """Arguments of `gc`, `find`, `linkrref`, `catref`, `verify`."""
    options: dict[str, dict[str, Any]] = {
        "negative grace": {"grace_s": -1},
        "grace that is no number": {"grace_s": "1h"},
        "grace that is not a number": {"grace_s": float("nan")},
        "negative size": {"max_bytes": -5},
        "size as text": {"max_bytes": "5G"},
        "negative age": {"older_than_s": -5},
        "keep less than none": {"keep_last": -1},
        "keep half of one": {"keep_last": 0.5},
        "best of nothing": {"keep_best": ("loss", -1)},
        "best without number": {"keep_best": "loss"},
        "best out of the object": {"keep_best": ("../../../x", 1)},
        "keep a folder that is not there": {"keep": ["/no/such/folder"]},
        "keep a number": {"keep": [5]},
        "keep None": {"keep": None},
    }
    for what, chosen in options.items():
        yield of(f"gc: {what}", _gc(chosen))
    yield of("gc_undo of nothing", lambda shop: p.gc_undo(store=shop.store))
    yield of("rmroot of nothing", lambda shop: p.rmroot("nothing", store=shop.store))
    for what, path in {
        "two dots": "..",
        "a slash": "/etc/passwd",
        "a path": "a/b",
        "a NUL": "\0",
        "nothing": "",
        "a number": 5,
        "None": None,
        "no parts": [],
        "a way out": ["..", "..", "x"],
        "what is not there": "absent",
        "a very long name": "n" * 5000,
    }.items():
        yield of(
            f"catref: {what}", given(lambda shop, bad: p.catref(shop.rref, bad, shop.store), path)
        )
    for what, name in {"two dots": "..", "a slash": "a/b", "a NUL": "\0", "nothing": ""}.items():
        yield of(f"linkrref named {what}", _link(name))
    for what, folder in {"nowhere": "/no/such", "a place taken by a file": "/etc"}.items():
        yield of(f"linkrref to {what}", _link("passwd", folder))
    yield of("find of a number", lambda shop: p.find(5, store=shop.store))  # type: ignore[arg-type]
    yield of("find newer than text", lambda shop: p.find(newer="now", store=shop.store))  # type: ignore[arg-type]
    yield of("verify of a number", lambda shop: p.verify(5, store=shop.store))  # type: ignore[arg-type]
    yield of("rmref of what others need", _needed)


def _gc(options: dict[str, Any]) -> Callable[[Shop], object]:
    return lambda shop: p.gc(**{"dry_run": True, **options}, store=shop.store)


def _link(name: str, folder: str = "") -> Callable[[Shop], object]:
    return lambda shop: p.linkrref(shop.rref, folder or shop.outside, name, shop.store)


def _needed(shop: Shop) -> object:
    p.gcroot("held", shop.other, store=shop.store)
    try:
        return p.rmref(shop.other, store=shop.store)
    finally:
        p.rmroot("held", store=shop.store)


def place_cases() -> Iterator[Case]:
    """Places of stores that are none, and environments that say nonsense."""
    for what, place in {
        "nothing": "/no/such/place",
        "a file": "/etc/passwd",
        "a NUL": "a\0b",
        "None": None,
        "a number": 5,
        "a long name": "/tmp/" + "n" * 5000,
        "a loop": "/proc/self/root" * 300,
    }.items():
        yield of(f"Store.open of {what}", given(lambda _, bad: p.Store.open(bad), place))
        yield (
            of(
                f"making a store at {what}",
                given(lambda _, bad: p.Store.open(bad, create=True), place),
            )
            if what not in ("nothing", "loop")
            else of(
                f"using a store at {what}",
                given(lambda _, bad: p.store_drefs(p.Store.open(bad)), place),
            )
        )
    yield of(
        "a durability that is none",
        lambda shop: p.Store.open(shop.root, durability="most"),  # type: ignore[arg-type]
    )
    for name, value in {
        "PYLIGHTNIX_ROOT": "/no/such/place",
        "PYLIGHTNIX_STORE": "/etc/passwd",
        "PYLIGHTNIX_TMP": "/proc/no",
        "PYLIGHTNIX_DURABILITY": "most",
    }.items():
        yield of(f"${name}={value}", _environment(name, value))
    yield of("a store that must not exist", _must_not_exist)


def _environment(name: str, value: str) -> Callable[[Shop], object]:
    def act(shop: Shop) -> object:
        os.environ["PYLIGHTNIX_ROOT"] = shop.root
        os.environ[name] = value
        return p.realize(p.instantiate(p.mkfile, "new", "text"))

    return act


def _must_not_exist(shop: Shop) -> object:
    return p.store_initialize(f"{shop.root}/store-v1", check_not_exist=True)


COMMANDS: dict[str, list[str]] = {
    "no command": [],
    "an unknown command": ["dance"],
    "an unknown option": ["ls", "--sideways"],
    "ls of nothing": ["ls", "nothing"],
    "ls of two dots": ["ls", ".."],
    "ls of a slash": ["ls", "/"],
    "ls of emptiness": ["ls", ""],
    "ls of a surrogate": ["ls", "\udcff"],
    "ls of a long name": ["ls", "x" * 100_000],
    "cat without a path": ["cat", "good"],
    "cat of two dots": ["cat", "good", ".."],
    "cat of an absolute path": ["cat", "good", "/etc/passwd"],
    "cat of a way out": ["cat", "good", "../../config.json"],
    "cat of what is not there": ["cat", "good", "absent"],
    "rm of nothing": ["rm", "nothing"],
    "rm of an ambiguous beginning": ["rm", "dref:"],
    "find newer than nonsense": ["find", "--newer", "yesteryear"],
    "show of nothing": ["show", "nothing"],
    "diff of one": ["diff", "good"],
    "path of nothing": ["path", "rref:xyz"],
    "config of a realization that is not there": ["config", f"rref:{HEX}-{HEX}-x"],
    "log of nothing": ["log", "nothing"],
    "deps of nothing": ["deps", "nothing"],
    "gc with a negative grace": ["gc", "--grace", "-1"],
    "gc with nonsense": ["gc", "--max-bytes", "much"],
    "undo of nothing": ["gc", "--undo"],
    "root of nothing": ["root", "add", "name", "nothing"],
    "root with a bad name": ["root", "add", "a/b", "good"],
    "root rm of nothing": ["root", "rm", "nothing"],
    "verify of nothing": ["verify", "nothing"],
    "a store that is none": ["--store", "/no/such/place", "ls"],
}


def command_cases() -> Iterator[Case]:
    """What is wrong on the command line: an exit code, a sentence, and no traceback."""
    for what, words in COMMANDS.items():
        yield of(f"command: {what}", _command(words))


class Refused(p.PylightnixError):
    """A command ended with an exit code and a sentence."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(status, told)
        self.status, self.told = status, told

    def __str__(self) -> str:
        return f"exit code {self.status}: {self.told}"


def _command(words: list[str]) -> Callable[[Shop], object]:
    def act(shop: Shop) -> object:
        from pylightnix.cli import main

        errors = f"{os.path.dirname(shop.outside)}/stderr"
        fd = os.open(errors, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.environ["PYLIGHTNIX_ROOT"] = shop.root
        status = main(words)
        os.lseek(fd, 0, os.SEEK_SET)
        told = os.read(fd, 10_000).decode(errors="replace").strip()
        os.unlink(errors)
        if status not in (1, 2, 3, 4) or not told or "Traceback" in told:
            return f"exit code {status}: {told}"
        raise Refused(status, told)

    return act
