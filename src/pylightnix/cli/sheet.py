"""All that is known of one object: for people as lines, for programs as a dictionary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pylightnix.core.config import config_dict
from pylightnix.core.legible import UNKNOWN, duration, size
from pylightnix.core.manifest import Entry
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.store.layout import Store
from pylightnix.store.query import config_of, manifest_of
from pylightnix.store.usage import path_of

from .facts import Fact, fact_json, facts_of, log_of, portability, provenance, realization_bytes
from .pick import short
from .text import columns, count, escaped, indented, pretty
from .times import moment, seconds_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is known, in both forms."""

    json: Mapping[str, object]
    lines: Sequence[str]


def of_derivation(store: Store, dref: DRef) -> Sheet:
    """Collect what is known of a derivation.

    Raises:
        NotInStore, Corrupt: it is not there, or not what its name says.
    """
    config = config_of(store, dref)
    fields = config_dict(config)
    size_bytes, found = facts_of(store, dref)
    path, log = path_of(store, dref), log_of(store, dref)
    known = {
        "config": fields,
        "deps": config.deps,
        "dref": dref,
        "kind": "derivation",
        "log": log,
        "path": path,
        "realizations": [fact_json(fact) for fact in found],
        "size_bytes": size_bytes,
    }
    head = [("derivation", dref), ("folder", path), ("size", size(size_bytes))]
    lines = [
        *_head(head, log),
        *_section("config", pretty(fields).splitlines()),
        *_section("depends on", config.deps),
        *_section("realizations, newest first", realization_rows(found)),
    ]
    return Sheet(known, lines)


def of_realization(store: Store, rref: RRef) -> Sheet:
    """Collect what is known of a realization.

    Raises:
        NotInStore, Corrupt: it is not there, or not what its name says.
    """
    manifest, dref = manifest_of(store, rref), rref2dref(rref)
    fields = config_dict(config_of(store, dref))
    path, log, known_by = path_of(store, rref), log_of(store, rref), provenance(store, rref)
    contents, size_bytes = _contents(manifest.entries), realization_bytes(store, rref)
    portable, reasons = portability(store, rref)
    known = {
        "config": fields,
        "contents": contents,
        "context": {dep: list(rrefs) for dep, rrefs in manifest.context.items()},
        "dref": dref,
        "kind": "realization",
        "log": log,
        "path": path,
        "portable": portable,
        "portable_reason": reasons,
        "provenance": known_by,
        "rref": rref,
        "size_bytes": size_bytes,
    }
    head = [
        ("realization", rref),
        ("derivation", dref),
        ("folder", path),
        ("contents", _contents_line(contents)),
        ("size", f"{size(size_bytes)} with metadata"),
        ("portable", _portable(portable, reasons)),
    ]
    lines = [
        *_head(head, log),
        *_section("build", _build_lines(known_by)),
        *_section("context", context_lines(manifest.context)),
        *_section("config", pretty(fields).splitlines()),
    ]
    return Sheet(known, lines)


def _head(rows: Iterable[tuple[str, str]], log: str | None) -> list[str]:
    return columns([*rows, *([("log", log)] if log is not None else [])])


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *indented(lines)] if lines else []


def realization_rows(found: Iterable[Fact]) -> list[str]:
    """Show realizations: hash, end of the build, how long it took, room."""
    rows = [
        (short(fact.rref), moment(fact.stop_s), duration(fact.seconds), size(fact.size_bytes))
        for fact in found
    ]
    return columns(rows, right=(2, 3))


def context_lines(context: Mapping[DRef, Sequence[RRef]]) -> list[str]:
    """Show a context: each derivation, below it the realizations it had."""
    return [line for dref in sorted(context) for line in (dref, *indented(context[dref]))]


def _contents(entries: Iterable[Entry]) -> dict[str, int]:
    """Count what is in a realization, its metadata left out; executables are files too."""
    kinds: Counter[str] = Counter()
    n_bytes = 0
    for entry in entries:
        kinds[entry[1]] += 1
        n_bytes += entry[2] if len(entry) == 4 else 0
    return {
        "bytes": n_bytes,
        "executables": kinds["x"],
        "files": kinds["f"] + kinds["x"],
        "folders": kinds["d"],
        "links": kinds["l"],
    }


def _contents_line(contents: Mapping[str, int]) -> str:
    nouns = {"files": "file", "executables": "executable", "folders": "folder", "links": "link"}
    parts = [
        count(contents[key], noun) for key, noun in nouns.items() if contents[key] or key == "files"
    ]
    return f"{size(contents['bytes'])} in {', '.join(parts)}"


def _portable(portable: bool | None, reasons: Sequence[str]) -> str:
    if portable is None:
        return "nobody knows: its build.json was lost"
    if portable:
        return "yes"
    return f"no: {'; '.join(map(escaped, reasons))}" if reasons else "no"


def _build_lines(known: Mapping[str, str | float | None]) -> list[str]:
    seconds, stop = known["seconds"], known["stop"]
    stop_s = seconds_of(stop) if isinstance(stop, str) else None
    rows = [
        ("ended", moment(stop_s)),
        ("took", duration(seconds if isinstance(seconds, float) else None)),
        *((key, _word(known[key])) for key in ("host", "user", "python", "pylightnix", "realizer")),
    ]
    return columns(rows)


def _word(value: object) -> str:
    return escaped(value) if isinstance(value, str) else UNKNOWN
