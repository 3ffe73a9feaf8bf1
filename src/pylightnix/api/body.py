"""What a stage does in a build, here or elsewhere: how parameters arrive in its function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter
from types import FunctionType
from typing import Any

from pylightnix.core.config import config_dict
from pylightnix.engine.build import Build

from .results import HIDDEN, Result, arrived

GIVEN = ("build", "rindex")
STARRED = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL)


class Body:
    """What a stage does in a build: its function is called, once for each output.

    Elsewhere it is all that there is of the stage: what the stage depends on, and its defaults,
    stay behind.

    Args:
        function: the function.
        params: its parameters -> their kinds.
        kinds: of dependencies: parameter -> class.
        multiref: dependencies arrive as lists even where there is one.
        named: the derivation's name is a parameter.
        stage: where there is one.
    """

    def __init__(
        self,
        function: Callable[..., object],
        params: Mapping[str, int],
        kinds: Mapping[str, type[Result]],
        multiref: bool,
        named: bool,
        stage: object = None,
    ) -> None:
        self.function, self.params, self.kinds = function, params, kinds
        self.multiref, self.named, self.stage = multiref, named, stage
        for name in ("__module__", "__name__", "__doc__"):
            setattr(self, name, getattr(function, name, None))
        self.__qualname__ = str(getattr(function, "__qualname__", function))

    def __call__(self, build: Build) -> None:
        outputs = build.make_outputs()
        is_open = Parameter.VAR_KEYWORD in self.params.values()
        for i, folder in enumerate(outputs):
            values = self._arrived(build, str(folder))
            values |= {"build": build, "rindex": build.rindex * len(outputs) + i}
            args, kwargs = [], {}
            for name, kind in self.params.items():
                if kind == Parameter.POSITIONAL_ONLY:
                    args.append(values.pop(name))
                elif kind not in STARRED:
                    kwargs[name] = values.pop(name)
            if is_open:
                own = ("name", *GIVEN)
                kwargs |= {name: item for name, item in values.items() if name not in own}
            self.function(*args, **kwargs)

    def _arrived(self, build: Build, folder: str) -> dict[str, Any]:
        """The values of the parameters, as the function is to get them."""
        return {
            name: arrived(
                build.store,
                value,
                folder,
                build.context,
                multiref=self.multiref,
                kind=self.kinds.get(name, Result),
            )
            for name, value in config_dict(build.config).items()
            if name not in HIDDEN and (self.named or name != "name")
        }

    def __reduce__(self) -> tuple[Any, ...]:
        from pylightnix.engine.travel import reference

        if self.stage is not None and reference(self.stage) is not None:
            return getattr, (self.stage, "body")
        function = _without_defaults(self.function)
        return Body, (function, self.params, self.kinds, self.multiref, self.named)


def _without_defaults(function: Callable[..., object]) -> Callable[..., object]:
    """Copy a plain function: its defaults are other stages, with all the modules that they use."""
    if not isinstance(function, FunctionType):
        return function
    bare = FunctionType(
        function.__code__, function.__globals__, function.__name__, None, function.__closure__
    )
    bare.__module__, bare.__qualname__ = function.__module__, function.__qualname__
    bare.__doc__ = function.__doc__
    return bare
