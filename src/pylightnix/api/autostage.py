"""`autostage`: a plain function is a stage, its parameters are the config, its code counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef
from pylightnix.engine.closure import Closure
from pylightnix.engine.matchers import Match, Matcher, match_only
from pylightnix.engine.registry import Registry

from .ambient import resolved_registry
from .results import Result, results_of
from .stage import realize_context
from .staged import Options, Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.sandbox.policy import Policy

P = ParamSpec("P")
T = TypeVar("T")


class _Decorator(Protocol):
    def __call__(self, function: Callable[P, object], /) -> Stage[P]: ...


class _OutDecorator(Protocol):
    """Of a function whose first parameter is `out`, which users of the stage do not give."""

    def __call__(self, function: Callable[Concatenate[str, P], object], /) -> Stage[P]: ...


@overload
def autostage(function: Callable[P, object], /) -> Stage[P]: ...
@overload
def autostage(
    *,
    out: Sequence[str],
    name: str | None = None,
    matcher: Matcher | None = None,
    nouts: int = 1,
    sourcedeps: Iterable[Any] = (),
    version: str | None = None,
    always_multiref: bool = False,
    env: Callable[..., DRef] | DRef | None = None,
    policy: Policy | None = None,
    **fields: Any,
) -> _OutDecorator: ...
@overload
def autostage(
    *,
    name: str | None = None,
    matcher: Matcher | None = None,
    nouts: int = 1,
    sourcedeps: Iterable[Any] = (),
    version: str | None = None,
    always_multiref: bool = False,
    env: Callable[..., DRef] | DRef | None = None,
    policy: Policy | None = None,
    **fields: Any,
) -> _Decorator: ...
def autostage(
    function: Callable[..., object] | None = None,
    /,
    *,
    name: str | None = None,
    matcher: Matcher | None = None,
    nouts: int = 1,
    sourcedeps: Iterable[Any] = (),
    version: str | None = None,
    always_multiref: bool = False,
    env: Callable[..., DRef] | DRef | None = None,
    policy: Policy | None = None,
    **fields: Any,
) -> Any:
    """Make a stage of a plain function.

    The function is called once for each output. Its parameters are the config: what they are called
    with at `instantiate`, else what is said here, else their defaults. Values arrive as they were
    given, but for these:

    - `[selfref, 'x.npy']` is an absolute path, as text, in this output folder;
    - a stage, or a DRef, is a dependency, and arrives as a `Result`: its attributes are the
      dependency's config; as a list of these, where its matcher chose another number than one;
    - `[dref, 'a', 'b']` is a path in a dependency, as text;
    - `build` and `rindex` (which output of a series, from 0) are given to whoever has parameters of
      these names.

    The source of the function, and of all that it uses in its package, is part of the config:
    `__source__` has a digest of the syntax tree of each part. See docs/concepts/autostage.md.

    For type checkers a stage has the parameters of its function, without the first one where `out`
    is given here; `instantiate(stage, ...)` and calls of the stage are checked against these. What
    must have a value, for them, gets one by `selfpath`, `result_of` and `given`. The fields of a
    dependency are known where `result_of` is told a class for them; otherwise they are Any.

    Args:
        function: for `@autostage` without parentheses.
        name: of the derivation, by default that of the function.
        matcher: by default `match_only()`, and the `nouts` outputs of one build if these are more.
        nouts: how many outputs, and so realizations, one build makes.
        sourcedeps: functions, classes, modules and values whose source or value counts too.
        version: a word that counts instead of the source; change it when the code changes.
        always_multiref: dependencies arrive as lists even where there is one.
        env: an environment for the function to run in, as `pylightnix.pods.pod_env` made it; it is
            a dependency. The function imports what is in it inside of itself.
        policy: what the function may see and use, beside what it depends on; it then runs in a
            sandbox. See `build_wrapper` for both.
        fields: values of parameters.

    Raises:
        TypeError: a value is given for what is not a parameter. At `instantiate`: likewise, or for
            a parameter that has none.
        InvalidConfig: at `instantiate`, for a value that cannot be in a config; names it.

    Effects: warns (`NotTracked`) at `instantiate` of what is used and cannot be followed.
    Concept: a task is its function and its inputs, and the function's code is one of these.
    """
    if not _is_count(nouts):
        raise InvalidValue(f"a stage must have at least 1 output, not {nouts!r:.50}")
    if matcher is None:
        matcher = match_only() if nouts == 1 else Match(rmin=nouts, rmax=nouts)
    more = tuple(sourcedeps)
    options = Options(name, matcher, nouts, more, version, always_multiref, env, policy)
    if function is not None:
        return Stage(function, options, fields)
    return lambda function: Stage(function, options, fields)


def autodrv(
    function: Callable[..., object] | None = None,
    /,
    *,
    r: Registry | None = None,
    **options: Any,
) -> Any:
    """Make a stage of a function and call it: the name of the function is then a DRef.

    Args:
        function: for `@autodrv` without parentheses.
        r: the registry; by default the current one.
        options: as `autostage` takes them.

    Returns:
        The DRef, where it stands as a decorator.

    Raises:
        NoRegistry: there is no current registry.
        TypeError, InvalidConfig: as `autostage`.
    """

    def decorate(function: Callable[..., object]) -> DRef:
        stage: Any = autostage(**options)(function)
        made: DRef = stage(r=resolved_registry(r))
        return made

    return decorate if function is None else decorate(function)


def realizeU(closure: Closure, *args: Any, kind: type[Result] = Result, **options: Any) -> Any:
    """Realize a closure and give what the stage returned as objects.

    Args:
        closure: as `instantiate` returned it.
        args: as `realize_context` takes them.
        kind: a class derived from `Result` that says which fields it has.
        options: as `realize_context` takes them.

    Returns:
        Of the shape of the stage's result, with a `Result` in the place of each DRef (or a list of
        these, where the matcher chose another number than one).

    Raises as `realize_context`.
    """
    chosen, _ = realize_context(closure, *args, **options)
    return results_of(closure.store, chosen, kind)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value > 0
