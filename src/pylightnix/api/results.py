"""What stages hand to each other: a realization as an object whose attributes are its config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pylightnix.core.config import config_dict, selfref
from pylightnix.core.errors import PylightnixError
from pylightnix.core.refs import DRef, RRef, isdref, rref2dref
from pylightnix.core.value import drawn
from pylightnix.engine.wrapper import ENV, POLICY
from pylightnix.store import query
from pylightnix.store.layout import Store, rref_path

HIDDEN = ("__source__", "__version__", ENV, POLICY)


class NoField(PylightnixError, AttributeError):
    """A realization has no field of that name."""

    def __init__(self, ref: str, field: str, known: tuple[str, ...]) -> None:
        super().__init__(ref, field, known)
        self.ref, self.field, self.known = ref, field, known

    def __str__(self) -> str:
        return f"{self.ref} has no field {self.field!r}; it has {', '.join(self.known)}"


class Result:
    """A realization, for whoever wants to use it.

    Its attributes are the fields of its config: self-references as absolute paths of text,
    dependencies as objects like this one. A field that is called as an attribute here is
    `result["path"]`.

    Attributes:
        rref: what it is.
        dref: of its derivation.
        path: its folder.
    """

    __slots__ = ("_fields", "_store", "rref")
    _repr_html_ = drawn

    rref: RRef

    def __init__(self, store: Store, rref: RRef) -> None:
        self._store, self.rref = store, rref
        self._fields: dict[str, Any] | None = None

    @property
    def dref(self) -> DRef:
        """The derivation."""
        return rref2dref(self.rref)

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(rref_path(self._store, self.rref))

    def __getitem__(self, name: str) -> Any:
        if self._fields is None:
            self._fields = self._read()
        return self._fields[name]

    if not TYPE_CHECKING:  # which would take any field for one that is there

        def __getattr__(self, name):
            """Give a field of the config."""
            if name.startswith("__"):  # `copy` asks before there is anything to look into
                raise AttributeError(name)
            try:
                return self[name]
            except KeyError:
                raise NoField(self.rref, name, tuple(dir(self))) from None

    def _read(self) -> dict[str, Any]:
        config = query.config_of(self._store, self.dref)
        context = query.context_of(self._store, self.rref) if config.deps else {}
        folder = rref_path(self._store, self.rref)
        fields = config_dict(config)
        return {
            name: arrived(self._store, value, folder, context)
            for name, value in fields.items()
            if name not in HIDDEN
        }

    def __dir__(self) -> list[str]:
        if self._fields is None:
            self._fields = self._read()
        return sorted({"rref", "dref", "path", *self._fields})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Result) and other.rref == self.rref

    def __hash__(self) -> int:
        return hash(self.rref)

    def __repr__(self) -> str:
        return f"<Result {self.rref}>"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._store, self.rref)


def arrived(
    store: Store,
    value: Any,
    folder: str,
    context: Mapping[DRef, Sequence[RRef]],
    *,
    multiref: bool = False,
    kind: type[Result] = Result,
) -> Any:
    """Turn a value of a config into what a function wants to work with.

    Args:
        store: where its dependencies are.
        value: of the config.
        folder: what self-references lead into.
        context: which realizations its dependencies have.
        multiref: give lists of dependencies even where there is one.
        kind: the class of what dependencies become.
    """

    def turn(item: Any) -> Any:
        if isinstance(item, str) and isdref(item):
            return _one(context[DRef(item)], lambda rref: kind(store, rref), multiref)
        if isinstance(item, dict):
            return {key: turn(inner) for key, inner in item.items()}
        if not isinstance(item, list) or not item:
            return item
        if item[0] == selfref:
            return "/".join((folder, *item[1:]))
        if _is_path(item):
            rest = item[1:]
            place = context[DRef(item[0])]
            return _one(place, lambda rref: "/".join((rref_path(store, rref), *rest)), multiref)
        return [turn(inner) for inner in item]

    return turn(value)


def _one(rrefs: Sequence[RRef], make: Callable[[RRef], Any], multiref: bool) -> Any:
    made = [make(rref) for rref in rrefs]
    return made[0] if len(made) == 1 and not multiref else made


def _is_path(item: list[Any]) -> bool:
    """A list of one dependency is that; with a text behind it, it is a path inside it."""
    return len(item) > 1 and isdref(item[0]) and not any(isdref(part) for part in item[1:])


def results_of(store: Store, chosen: Any, kind: type[Result]) -> Any:
    """Give what `realize_context` gave, with an object in the place of each RRef."""
    if isinstance(chosen, RRef):
        return kind(store, chosen)
    if isinstance(chosen, Mapping):
        return {key: results_of(store, item, kind) for key, item in chosen.items()}
    return [results_of(store, item, kind) for item in chosen]


if TYPE_CHECKING:

    class AnyResult(Result):
        """A realization whose fields type checkers do not know."""

        def __getattr__(self, name: str) -> Any: ...
