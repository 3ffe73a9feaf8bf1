"""Leave plugins out by patterns."""

from __future__ import annotations

from pylightnix.core.value import value

from .resolve import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .spec import PluginSpec


@value
class _Exclusion:
    namespace: str
    name: str
    value: str


class MatchingPluginFilter:
    """A filter: true of what is to be left out, by patterns with `*`, `?` and `[...]`."""

    def __init__(self) -> None:
        self._exclusions: list[_Exclusion] = []

    def add_exclusion(
        self, namespace: str | None = None, name: str | None = None, value: str | None = None
    ) -> None:
        """Leave out what fits all patterns that are given.

        Args:
            namespace: pattern of namespaces.
            name: pattern of names.
            value: pattern of what entry points point to, `module:attribute`.
        """
        self._exclusions.append(_Exclusion(namespace or "*", name or "*", value or "*"))

    def __call__(self, spec: PluginSpec) -> bool:
        from fnmatch import fnmatchcase

        return any(
            fnmatchcase(spec.namespace, one.namespace)
            and fnmatchcase(spec.name, one.name)
            and (one.value == "*" or fnmatchcase(value_of(spec.factory), one.value))
            for one in self._exclusions
        )
