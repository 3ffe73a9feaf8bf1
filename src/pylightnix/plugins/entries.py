"""Entry points as text: what stands in `entry_points.txt` and in `plugins.ini`."""

from __future__ import annotations

from pylightnix.core.errors import PluginError
from pylightnix.core.value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class InvalidEntryPoints(PluginError):
    """A file with entry points cannot be read, or a name cannot stand in one."""

    def __init__(self, place: str, why: str, advice: str) -> None:
        super().__init__(place, why, advice)
        self.place, self.why, self.advice = place, why, advice

    def __str__(self) -> str:
        return f"{self.place}: {self.why}; {self.advice}"


@value
class Entry:
    """An entry point.

    Attributes:
        namespace: its group.
        name: its name there.
        value: what it points to, `module:attribute`.
        distribution: which has it, `name version`; empty if it is not installed yet.
        place: the folder `*.dist-info`, or file and line of what it points to.
    """

    namespace: str
    name: str
    value: str
    distribution: str = ""
    place: str = ""

    def __str__(self) -> str:
        return f"{self.value} of {self.distribution}" if self.distribution else self.value


def parse_entry_points(text: str) -> Iterator[tuple[str, str, str]]:
    """Read what installers write; gives group, name, value.

    What is no entry point is passed over, as Python's own reader does.
    """
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[" and line[-1] == "]":
            group = line[1:-1].strip()
            continue
        name, equals, target = line.partition("=")
        if equals and group:
            yield group, name.strip(), target.strip()


def ini_text(entries: Iterable[Entry]) -> str:
    """Write entry points as `plugins.ini`: groups and names in order.

    Raises:
        InvalidEntryPoints: a name or a namespace cannot be written.
    """
    lines: list[str] = []
    group = None
    for entry in sorted(entries, key=lambda e: (e.namespace, e.name, e.value)):
        _check(entry)
        if entry.namespace != group:
            lines += [*([""] if lines else []), f"[{entry.namespace}]"]
            group = entry.namespace
        lines.append(f"{entry.name} = {entry.value}")
    return "".join(f"{line}\n" for line in lines)


def grouped(entries: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """Give entry points as builders take them: group -> name -> value, all in order."""
    groups: dict[str, dict[str, str]] = {}
    for entry in sorted(entries, key=lambda e: (e.namespace, e.name)):
        _check(entry)
        groups.setdefault(entry.namespace, {})[entry.name] = entry.value
    return groups


def _check(entry: Entry) -> None:
    bad = [
        text
        for text in (entry.namespace, entry.name)
        if not text
        or text != text.strip()
        or not text.isprintable()
        or text[0] in "[#;"
        or set("=]") & set(text)
    ]
    if bad:
        raise InvalidEntryPoints(
            entry.place or entry.value,
            f"{bad[0]!r} cannot be the name of an entry point or its group",
            "leave out '=', brackets, line breaks, and blanks at the ends",
        )
