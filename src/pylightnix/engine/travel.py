"""How the code of a stage travels to a worker, and how an error travels back.

By reference where the stage can be imported again: the worker calls it and compares DRefs, so that
a worker with other code is found out. By value, with cloudpickle, where it cannot: what was typed
into a notebook, written into the script that runs, or defined inside a function.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache, reduce
from importlib import import_module
from importlib.machinery import PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from pylightnix.core.errors import RealizeError
from pylightnix.core.refs import DRef
from pylightnix.core.value import value
from pylightnix.core.version import VERSION
from pylightnix.store.layout import Store
from pylightnix.store.machine import host

from .closure import Making
from .provenance import qualified
from .registry import Derivation

if TYPE_CHECKING:
    from .closure import Remake


class CannotTravel(RealizeError):
    """The code of a stage can reach a worker neither by name nor by value."""

    def __init__(self, dref: str, realizer: str, cause: str) -> None:
        super().__init__(dref, realizer, cause)
        self.dref, self.realizer, self.cause = dref, realizer, cause

    def __str__(self) -> str:
        return (
            f"{self.dref} cannot be sent to a worker: {self.realizer} holds something that cannot "
            f"be copied to another process ({self.cause}). Make it at the start of the builder "
            "instead of keeping it in a variable, or realize with jobs=1"
        )


class OtherCode(RealizeError):
    """A worker has other code than the coordinator."""

    def __init__(self, dref: str, stage: str, ours: str, theirs: str) -> None:
        super().__init__(dref, stage, ours, theirs)
        self.dref, self.stage, self.ours, self.theirs = dref, stage, ours, theirs

    def __str__(self) -> str:
        return (
            f"{self.dref} was not built, because the worker has other code. Here {self.stage} is "
            f"from {self.ours}. There, on {self.theirs}. Bring both to the same version; if the "
            "stage reads anything beside its arguments, pass that as an argument"
        )


@value
class Recipe:
    """A `Making` that travels: its stage is named, as `module:qualname`."""

    stage: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    remake: Remake


def reference(thing: object) -> str | None:
    """Give `module:qualname` of something that can be imported again; None of what cannot."""
    name, path = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not isinstance(name, str) or not isinstance(path, str) or name == "__main__":
        return None
    try:
        found = reduce(getattr, path.split("."), sys.modules[name])
    except (AttributeError, KeyError):
        return None
    return f"{name}:{path}" if found is thing and importable(name) else None


def importable(name: str) -> bool:
    """Tell whether a module that is loaded is what an import elsewhere would find by its name."""
    cloudpickle = sys.modules.get("cloudpickle")
    # While something is packed for where the module is not seen.
    if cloudpickle is not None and name in cloudpickle.list_registry_pickle_by_value():
        return False
    parent, _, _ = name.rpartition(".")
    try:
        origin = sys.modules[name].__spec__.origin  # type: ignore[union-attr]
        path = sys.modules[parent].__path__ if parent else None
        spec = PathFinder.find_spec(name, path)
    except (AttributeError, KeyError, ValueError):
        return False
    if spec is None:
        return name in sys.builtin_module_names or origin == "frozen"
    return spec.origin == origin


def resolve(where: str) -> Any:
    """Import what `reference` named."""
    module, _, path = where.partition(":")
    return reduce(getattr, path.split("."), import_module(module))


@lru_cache(maxsize=2)
def remade(packed: bytes, store: Store) -> Mapping[DRef, Derivation]:
    """Make the derivations of a packed recipe again; once for all orders of one closure."""
    recipe: Recipe = pickle.loads(packed)  # noqa: S301 of our own coordinator
    return recipe.remake(resolve(recipe.stage), recipe.args, recipe.kwargs, store)


def origin(stage: str) -> str:
    """Say which code is meant by `module:qualname` in this process."""
    module = sys.modules.get(stage.partition(":")[0])
    file = getattr(module, "__file__", None) or "no file"
    python = sys.version.split()[0]
    return f"{file} on {host()}, process {os.getpid()}, Python {python}, pylightnix {VERSION}"


class Packer:
    """Packs derivations and whatever goes with them; a stateful handle, made for one closure.

    Args:
        making: how the closure was made, if workers are to make it again.

    Attributes:
        recipe: for workers, packed; empty if the stage cannot be imported again, or its arguments
            cannot be copied.
        stage: what the recipe calls; empty likewise.
    """

    def __init__(self, making: Making | None) -> None:
        self.recipe, self.stage = b"", ""
        self._strangers: dict[str, bool] = {}
        stage = None if making is None else reference(making.stage)
        if making is not None and stage is not None:
            recipe = Recipe(stage, making.args, making.kwargs, making.remake)
            with suppress(Exception):  # then the code goes by value, and an error says what cannot
                self.recipe, self.stage = pickle.dumps(recipe), stage

    def pack(self, thing: object, drv: Derivation) -> bytes:
        """Make bytes of something that goes with a derivation.

        Raises:
            CannotTravel: it holds what can be sent neither by name nor by value.
        """
        packed = io.BytesIO()
        self.dump(thing, drv, packed)
        return packed.getvalue()

    def dump(self, thing: object, drv: Derivation, file: BinaryIO) -> None:
        """Write into a file what `pack` would give; what the file raises is its reason too."""
        import cloudpickle

        try:
            with by_value(self._strange(drv)):
                cloudpickle.dump(thing, file)
        except Exception as error:
            raise CannotTravel(
                drv.dref, qualified(drv.realizer), f"{type(error).__name__}: {error}"
            ) from error

    def _strange(self, drv: Derivation) -> Iterator[ModuleType]:
        """Modules of a derivation's functions that no other process would find by their names."""
        for function in (drv.realizer, drv.matcher):
            name = getattr(function, "__module__", None) or "__main__"
            if name not in self._strangers:
                known = name in sys.modules and name != "__main__"
                self._strangers[name] = known and not importable(name)
            if self._strangers[name]:
                yield sys.modules[name]


@contextmanager
def by_value(modules: Iterator[ModuleType]) -> Iterator[None]:
    """Let cloudpickle send functions of some modules by value, and only for a moment."""
    import cloudpickle

    registered = cloudpickle.list_registry_pickle_by_value()
    fresh = {module for module in modules if module.__name__ not in registered}
    for module in fresh:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in fresh:
            cloudpickle.unregister_pickle_by_value(module)


@value
class Trouble:
    """An error that travels: exceptions lose their causes and tracebacks when they are copied."""

    error: BaseException
    cause: BaseException | None
    where: str


class PackedError(bytes):
    """An error that travels, packed: by its kind workers know that a build failed."""

    __slots__ = ()


def packed_error(error: BaseException) -> PackedError:
    """Pack an error with its cause and, as a note, where in the worker it came from."""
    import traceback

    import cloudpickle

    text = "".join(traceback.format_exception(error))
    where = f"in process {os.getpid()} on {host()}:\n{text}"
    cause = error.__cause__
    # Some libraries (tblib, which comes with dask) have errors take along what hangs on them.
    error.__cause__ = error.__context__ = None
    for told, because in ((error, cause), (error, None), (RealizeError(text), None)):
        try:
            packed = PackedError(cloudpickle.dumps(Trouble(told, because, where)))
            pickle.loads(packed)  # noqa: S301 an error that cannot be unpacked would tell nothing
        except Exception:  # noqa: S112
            continue
        return packed
    raise AssertionError("a text can be packed")


def unpacked_error(trouble: Trouble) -> BaseException:
    """Give the error again, as it was over there."""
    trouble.error.__cause__ = trouble.cause
    (trouble.cause or trouble.error).add_note(trouble.where)
    return trouble.error
