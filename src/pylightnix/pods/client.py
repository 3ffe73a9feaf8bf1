"""What a program holds of an open pod: its functions, with their signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Protocol

from .pool import Pool

_DEFAULT_MAX = 200  # as long as an agent makes it; another one may have something in mind


class _Shown:
    """A default that only the pod has; it looks as it does there."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


class Caller(Protocol):
    """Who makes calls: the pool of a pod, or what stands for one."""

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function and wait for its value."""

    def submit(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        """Have a function called."""

    def stream(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
        """Call a generator function."""

    def map(self, function: str, every: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Call a function once for each tuple of arguments."""


class PodFunction:
    """A function of a pod; calling it calls it over there.

    `f(...)` waits for its value; of a generator function it gives an iterator. `f.submit(...)`
    gives a `concurrent.futures.Future`, `f.stream(...)` an iterator over what a generator yields,
    `f.map(xs, ys)` an iterator over the values of many calls, of which many are on their way.
    """

    def __init__(self, pool: Caller, name: str, about: dict[str, Any]) -> None:
        self.__name__ = self.__qualname__ = name
        self.__doc__ = about.get("doc")
        self._pool, self._about = pool, about
        self._streams = bool(about.get("streams"))

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it; see the pod's own docstring."""
        if self._streams:
            return self._pool.stream(self.__name__, args, kwargs)
        return self._pool.call(self.__name__, args, kwargs)

    def submit(self, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have it called, and go on; a generator's items become a list."""
        return self._pool.submit(self.__name__, args, kwargs)

    def stream(self, /, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Call it, and get what it yields while it runs."""
        return self._pool.stream(self.__name__, args, kwargs)

    def map(self, *columns: Iterable[Any]) -> Iterator[Any]:
        """Call it for each set of arguments; values come in the order of the arguments."""
        return self._pool.map(self.__name__, zip(*columns, strict=False))

    @property
    def __signature__(self) -> inspect.Signature:
        params = self._about.get("params")
        if params is None:
            raise AttributeError("__signature__")
        kinds = tuple(inspect._ParameterKind)
        made = []
        for name, kind, default, annotation in params:
            given = inspect.Parameter.empty if default is None else _default(default)
            hint = inspect.Parameter.empty if annotation is None else annotation
            made.append(inspect.Parameter(name, kinds[kind], default=given, annotation=hint))
        returns = self._about.get("returns")
        return inspect.Signature(
            made, return_annotation=inspect.Signature.empty if returns is None else returns
        )

    def __repr__(self) -> str:
        return f"<function {self.__name__} of a pod>"


def _default(text: str) -> Any:
    try:
        return ast.literal_eval(text[:_DEFAULT_MAX])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return _Shown(text)


class Pod:
    """An open pod; a stateful handle, made by `pod_open`, closed by its `with` block.

    Its attributes are the functions of its pod.py.
    """

    def __init__(self, pool: Pool, name: str, about: dict[str, Any]) -> None:
        self.__dict__.update(
            {key: PodFunction(pool, key, shape) for key, shape in about["functions"].items()}
        )
        self.__pool, self.__name = pool, name

    def __getattr__(self, name: str) -> PodFunction:
        # Reached for what is not there; that attributes are functions is for type checkers.
        raise AttributeError(f"the pod {self.__name} has no function {name}: it has {dir(self)}")

    def __enter__(self) -> Pod:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__pool.close()

    def __dir__(self) -> list[str]:
        return sorted(key for key, item in vars(self).items() if type(item) is PodFunction)

    def __repr__(self) -> str:
        return f"<pod {self.__name}: {', '.join(dir(self))}>"
