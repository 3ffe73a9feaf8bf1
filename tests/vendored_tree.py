"""Packages to import under their own names, or as copies below another one; and who got what."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import invalidate_caches
from pathlib import Path
from types import ModuleType

PANDAS = 'WHO = "{0}"\ndef read_csv(): return "{0}.read_csv"\nclass DataFrame: WHO = "{0}"\n'
FILES = {
    "pandas/__init__.py": PANDAS.format("pandas") + "pandas = 'pandas.pandas'\n",
    "pandas/io/__init__.py": "WHO = 'pandas.io'\n",
    "pandas/io/json.py": "WHO = 'pandas.io.json'\n__all__ = ['WHO']\nHIDDEN = 1\n",
    "pandas/io/deep/__init__.py": "WHO = 'pandas.io.deep'\n",
    "pandas/io/deep/core.py": "WHO = 'pandas.io.deep.core'\n",
    "yfinance.py": "WHO = 'yfinance'\nTicker = 'yfinance.Ticker'\n",
    # Something that has the name of a submodule, which has not been loaded.
    "shadow/__init__.py": "WHO = 'shadow'\nsub = 'not the module'\n",
    "shadow/sub.py": "WHO = 'shadow.sub'\n",
    # A module whose place a function takes.
    "taken/__init__.py": "WHO = 'taken'\nfrom .run import run\n",
    "taken/run.py": "WHO = 'taken.run'\ndef run(): return 'taken.run.run'\n",
    "größe/__init__.py": "WHO = 'größe'\n",
    "größe/maß.py": "WHO = 'größe.maß'\n",
}
PACKAGES = ("pandas", "yfinance", "shadow", "taken", "größe")
MODULES = tuple(
    name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in FILES
)


def mkfiles(folder: Path, files: Mapping[str, str] = FILES) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@contextmanager
def only_for_now(folder: Path) -> Iterator[None]:
    """Import from a folder as programs do, and leave nothing of it."""
    before = dict(sys.modules)
    for name in before:
        if (folder / name.partition(".")[0]).exists():
            del sys.modules[name]  # the real one of that name, which another test may have loaded
    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)


def shown(value: object) -> object:
    """What something is, whatever the name of the module that it is from."""
    if isinstance(value, ModuleType):
        return "module", vars(value).get("WHO", value.__name__)
    if isinstance(value, type):
        return "class", vars(value).get("WHO", value.__name__)
    if callable(value):
        return "function", getattr(value, "__qualname__", "")
    return value


def bound(space: Mapping[str, object]) -> dict[str, object]:
    """What the variables of a module are, without those that every module has."""
    return {
        name: shown(value)
        for name, value in space.items()
        if not (name.startswith("__") and name.endswith("__"))
    }


def run_as_it_is(source: str | bytes, folder: Path) -> dict[str, object]:
    """Run a source with the packages of a folder under their own names."""
    with only_for_now(folder):
        space: dict[str, object] = {"__name__": "job", "__package__": ""}
        exec(compile(source, "job.py", "exec", dont_inherit=True), space)
        return bound(space)


def run_with_copies(source: str | bytes, folder: Path) -> dict[str, object]:
    """Run a rewritten source as `user1.job`, with the packages in `user1.localpackages`."""
    with only_for_now(folder):
        space: dict[str, object] = {"__name__": "user1.job", "__package__": "user1"}
        exec(compile(source, "job.py", "exec", dont_inherit=True), space)
        return bound(space)


def mkhouse(folder: Path) -> tuple[Path, Path]:
    """Give a folder with the packages, and one with a user who has copies of them."""
    plain = mkfiles(folder / "plain")
    user = folder / "platform"
    mkfiles(user / "user1" / "localpackages")
    for name in ("user1", "user1/localpackages"):
        (user / name / "__init__.py").write_text("")
    return plain, user
