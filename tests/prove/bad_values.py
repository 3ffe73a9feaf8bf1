"""Bad references, names, configs, paths and matchers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pylightnix as p

from .bad_cases import Case, Shop, build_of, closure_of, empty, given, of

HEX = "0123456789abcdef0123456789abcdef"
REFS: dict[str, Any] = {
    "None": None,
    "a number": 5,
    "bytes": b"dref:" + HEX.encode() + b"-x",
    "empty": "",
    "a prefix": "dref:",
    "no name": f"dref:{HEX}-",
    "capital digits": f"dref:{HEX.upper()}-x",
    "a short hash": f"dref:{HEX[:-1]}-x",
    "other digits": f"dref:{chr(0x660) * 32}-x",
    "a newline at the end": f"dref:{HEX}-x\n",
    "a NUL": f"dref:{HEX}-x\0",
    "a path": f"dref:{HEX}-../../etc",
    "two dots": "..",
    "a slash": "/",
    "an absolute path": "/etc/passwd",
    "a blank at the start": f" dref:{HEX}-x",
    "a long name": f"dref:{HEX}-{'x' * 129}",
    "very long": "x" * 10**6,
    "a list": [f"dref:{HEX}-x"],
    "a dictionary": {},
    "a surrogate": f"dref:{HEX}-\ud800",
}
LOOKS: dict[str, Callable[[Any, p.Store], object]] = {
    "rref2path": lambda ref, s: p.rref2path(ref, store=s),
    "dref2path": lambda ref, s: p.dref2path(ref, store=s),
    "store_config": lambda ref, s: p.store_config(ref, store=s),
    "store_context": lambda ref, s: p.store_context(ref, store=s),
    "store_deps": lambda ref, s: p.store_deps(ref, store=s),
    "store_deepdeps": lambda ref, s: p.store_deepdeps([ref], store=s),
    "store_rrefs": lambda ref, s: p.store_rrefs(ref, store=s),
    "store_buildtime": lambda ref, s: p.store_buildtime(ref, store=s),
    "store_cattrs": lambda ref, s: p.store_cattrs(ref, store=s),
    "lsref": lambda ref, s: p.lsref(ref, store=s),
    "catref": lambda ref, s: p.catref(ref, "text", store=s),
    "rmref": lambda ref, s: p.rmref(ref, store=s),
    "shellref": lambda ref, s: p.shellref(ref, store=s),
    "diff": lambda ref, s: p.diff(ref, ref, store=s),
    "gcroot": lambda ref, s: p.gcroot("name", ref, store=s),
    "gc": lambda ref, s: p.gc(keep=[ref], store=s),
    "store_gc": lambda ref, s: p.store_gc([ref], [], store=s),
    "linkrref": lambda ref, s: p.linkrref(ref, "/tmp", store=s),
    "undref": lambda ref, s: p.undref(ref),
    "unrref": lambda ref, s: p.unrref(ref),
    "rref2dref": lambda ref, s: p.rref2dref(ref),
}
NAMES: dict[str, Any] = {
    "None": None,
    "a number": 1,
    "empty": "",
    "two dots": "..",
    "a slash": "a/b",
    "a newline": "a\n",
    "a NUL": "a\0",
    "too long": "n" * 129,
    "not ASCII": "é",
    "a blank": "a b",
}


def looped() -> list[Any]:
    """A list that holds itself."""
    value: list[Any] = []
    value.append(value)
    return value


def deep(levels: int) -> Any:
    """Lists in lists."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


CONFIGS: dict[str, Any] = {
    "not a dictionary": ["name"],
    "None": None,
    "a number for a name": {"name": 5},
    "no name at all": {"name": None},
    "a key that is no text": {5: "x"},
    "not a number": {"a": math.nan},
    "infinity": {"a": [{"b": -math.inf}]},
    "bytes": {"a": b"x"},
    "a tuple": {"a": (1, 2)},
    "a set": {"a": {1}},
    "a function": {"a": print},
    "an object": {"a": object()},
    "a surrogate": {"a": "\ud800"},
    "a surrogate in a key": {"\ud800": 1},
    "a circle": {"a": looped()},
    "too deep": {"a": deep(70)},
    "very deep": {"a": deep(100_000)},
    "too large": {"a": "x" * (1 << 21)},
    "a huge number": {"a": 10**5000},
    "a realization": {"a": f"rref:{HEX}-{HEX}-x"},
    "a path out": {"a": [f"dref:{HEX}-x", "..", "etc"]},
    "a path with a slash": {"a": [f"dref:{HEX}-x", "a/b"]},
    "a path with a NUL": {"a": [f"dref:{HEX}-x", "a\0"]},
    "a promise out": {"a": ["__self__", ".."]},
    "an empty promise": {"a": ["__self__", ""]},
    "complex": {"a": 1j},
}


def ref_cases() -> Iterator[Case]:
    """Every look-up with a few bad references, every bad reference with one look-up."""
    looks, refs = list(LOOKS.items()), list(REFS.items())
    for number, (what, ref) in enumerate(refs):
        for offset in (0, 7, 14):
            where, look = looks[(number + offset) % len(looks)]
            yield of(f"{where} of {what}", given(partial(_look, look), ref))
    for where, look in looks:
        if where not in ("undref", "unrref", "rref2dref", "gc", "store_gc", "store_rrefs"):
            yield of(f"{where} of what is not there", _absent(where, look))


def _look(look: Callable[[Any, p.Store], object], shop: Shop, ref: Any) -> object:
    return look(ref, shop.store)


def _absent(where: str, look: Callable[[Any, p.Store], object]) -> Callable[[Shop], object]:
    of_realizations = ("rref2path", "store_context", "store_buildtime", "linkrref")
    ref = f"rref:{HEX}-{HEX}-x" if where in of_realizations else f"dref:{HEX}-x"
    return lambda shop: look(ref, shop.store)


def value_cases() -> Iterator[Case]:
    """Names, configs, hashes, matchers."""
    for what, name in NAMES.items():
        yield of(f"mkname of {what}", given(lambda _, bad: p.mkname(bad), name))
        yield of(f"mkdref with {what}", given(lambda _, bad: p.mkdref(HEX, bad), name))
        yield of(f"gcroot named {what}", _root(name))
        yield of(f"rmroot named {what}", given(lambda shop, bad: p.rmroot(bad, shop.store), name))
    for what, fields in CONFIGS.items():
        yield of(f"config: {what}", given(lambda _, bad: p.mkconfig(bad), fields))
    yield of("mkrref with a path", lambda shop: p.mkrref("../" * 10 + "xx", HEX, "x"))
    yield of("mkrref without hashes", lambda shop: p.mkrref(None, None, "x"))  # type: ignore[arg-type]
    yield of("match: less than none", lambda shop: p.match(rmin=-1))
    yield of("match: at most less than at least", lambda shop: p.match(rmin=3, rmax=2))
    yield of("match: at most none", lambda shop: p.match(rmin=0, rmax=0))
    yield of("match_latest of none", lambda shop: p.match_latest(0))
    yield of("match_best of nothing", lambda shop: p.match_best("loss", -1))
    yield of("match_some of text", lambda shop: p.match_some("3"))  # type: ignore[arg-type]
    yield of("match_best of None", lambda shop: p.match_best(None))  # type: ignore[arg-type]
    yield of("match_best out of the object", lambda shop: p.match_best("../../x"))
    yield of("match_exact of nonsense", lambda shop: p.match_exact(["x"]))  # type: ignore[list-item]
    yield of("build_wrapper of no outputs", lambda shop: p.build_wrapper(empty, nouts=0))


def _root(name: Any) -> Callable[[Shop], object]:
    return lambda shop: p.gcroot(name, shop.rref, store=shop.store)


PATHS: dict[str, Any] = {
    "empty": [],
    "None": None,
    "a number": 5,
    "not a reference": ["x", "y"],
    "two dots": ["__self__", ".."],
    "a slash": ["__self__", "/etc/passwd"],
    "a NUL": ["__self__", "\0"],
    "a number inside": ["__self__", 5],
    "no dependency": [f"dref:{HEX}-x", "a"],
}


def _path(path: Any, shop: Shop, b: p.Build) -> object:
    return p.build_path(b, path)


def path_cases() -> Iterator[Case]:
    """Paths inside references, as builders ask for them."""
    for what, path in PATHS.items():
        yield build_of(f"build_path: {what}", partial(_path, path))
    yield build_of("build_deref of nothing", lambda shop, b: p.build_deref(b, shop.dref))
    yield build_of("build_run of nothing", lambda shop, b: p.build_run(b, []))
    yield build_of("build_run of nowhere", lambda shop, b: p.build_run(b, ["/no/such/program"]))
    yield build_of("build_run of what fails", lambda shop, b: p.build_run(b, ["false"]))
    yield build_of("one output of two", lambda shop, b: p.dirrw(p.Path("/nowhere/at/all")))
    yield Case(
        "a promise that is not kept",
        lambda shop, closure: p.realize(closure),
        lambda shop: closure_of(shop, p.build_wrapper(empty), promise=["__self__", "x"]),
        builds=True,
    )
