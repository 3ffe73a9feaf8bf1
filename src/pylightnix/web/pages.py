"""Values of the library as pieces of HTML, for notebooks."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

from pylightnix.api.ambient import resolved
from pylightnix.api.results import Result
from pylightnix.core.config import Config, config_dict, selfref
from pylightnix.core.errors import PylightnixError
from pylightnix.core.outlook import COLOURS, Plan, lasting, summary
from pylightnix.core.refs import DRef, RRef, isdref, isrref, rref2dref
from pylightnix.engine.build import Build
from pylightnix.engine.closure import Closure
from pylightnix.store import query
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.usage import size_of

from .files import TEXT_BYTES, artifacts, as_text
from .graph import graph
from .markup import Html, joined, size, table, tag

ROWS = 20
_LONG = 300
_CODE = ("__source__",)
STYLE = """
.pyl { font-family: system-ui, sans-serif; font-size: 13px; line-height: 1.45; max-width: 60em; }
.pyl h4 { margin: 0 0 .3em; font-size: 14px; } .pyl h5 { margin: .9em 0 .3em; font-size: 12px;
  opacity: .7; text-transform: uppercase; letter-spacing: .04em; }
.pyl code, .pyl pre { font-family: ui-monospace, monospace; font-size: 12px; background: none; }
.pyl table { border-collapse: collapse; margin: 0; font-size: 12px; }
.pyl td, .pyl th { text-align: left; vertical-align: top; padding: .15em .8em .15em 0; border: 0;
  border-bottom: 1px solid rgba(128,128,128,.25); background: none; overflow-wrap: anywhere; }
.pyl th { font-weight: 600; white-space: nowrap; }
.pyl table table td, .pyl table table th { padding: 0 .8em 0 0; border: 0; }
.pyl pre { margin: .2em 0; padding: .4em .6em; max-height: 16em; overflow: auto; white-space: pre;
  background: rgba(128,128,128,.1); border-radius: 4px; }
.pyl figure { display: inline-block; margin: .5em .8em .3em 0; vertical-align: top; }
.pyl figure img { max-width: 36em; max-height: 26em; background: #fff; display: block; }
.pyl figcaption, .pyl .pyl-note, .pyl .pyl-ref { font-size: 11px; opacity: .7; }
.pyl svg { max-width: 100%; height: auto; } .pyl summary { cursor: pointer; }
.pyl .pyl-verdict { padding: 0 .5em; border-radius: 3px; color: #263238; }
"""


def html_of(value: object, store: Store | None = None) -> str | None:
    """Draw a value as a piece of HTML; notebooks ask for it by `_repr_html_`.

    Args:
        value: a DRef, RRef, Result, Closure, Plan or Build.
        store: by default that of the result, closure or build, otherwise the current one.

    Returns:
        None for other values, and where there is no store.

    Effects: none but notes of realizations that were never seen before and found to be whole.
    """
    try:
        page = _page(value, store)
    except PylightnixError:
        return None  # its text is shown then, as it is in a terminal
    return None if page is None else tag("div", Html(f"<style>{STYLE}</style>"), page, class_="pyl")


def _page(value: object, store: Store | None) -> Html | None:
    if isinstance(value, Result):
        return _realization(resolved(store or value._store), value.rref)
    if isinstance(value, RRef):
        return _realization(resolved(store), value)
    if isinstance(value, DRef):
        return _derivation(resolved(store), value)
    if isinstance(value, Closure):
        return _closure(value, resolved(store or value.store))
    if isinstance(value, Plan):
        return _plan(value)
    if isinstance(value, Build):
        return _build(value)
    return None


def _head(kind: str, ref: str, name: str) -> Html:
    return joined(
        tag("h4", f"{kind} ", tag("code", name)), tag("div", tag("code", ref), class_="pyl-ref")
    )


def _part(title: str, *inner: object) -> Html:
    return joined(tag("h5", title), *inner)


def _short(ref: str) -> Html:
    """A reference by its name and the beginning of its hash; the whole where the mouse is."""
    name = ref[71:] if isrref(ref) else ref[38:]
    return tag("code", f"{name} {ref[5:13]}", title=ref)


def _config(config: Config) -> Html:
    fields = config_dict(config)
    told = {key: item for key, item in fields.items() if key not in ("name", *_CODE)} or fields
    code = [
        tag("details", tag("summary", "code"), _fields({key: fields[key]}))
        for key in _CODE
        if key in fields and key not in told
    ]
    return _part("config", _fields(told), *code)


def _fields(fields: Mapping[str, object]) -> Html:
    return table((), [(key, _field(item)) for key, item in fields.items()], "pyl-config")


def _field(item: object) -> object:
    if isinstance(item, dict) and item:
        return _fields(item)
    if isinstance(item, str):
        return _short(item) if isdref(item) else tag("code", _cut(item))
    if isinstance(item, list) and item and isinstance(item[0], str):
        head = item[0]
        if head == selfref or (isdref(head) and not any(map(isdref, item[1:]))):
            inside = "/".join(map(str, item[1:]))
            start = tag("code", "self") if head == selfref else _short(head)
            return joined(start, " / ", tag("code", inside)) if inside else joined("[", start, "]")
    if isinstance(item, list):
        inner = [joined(_field(part), ", ") for part in item[:-1]] + [_field(i) for i in item[-1:]]
        return joined("[", *inner, "]")
    return tag("code", json.dumps(item))


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else f"{text[:_LONG]}... ({len(text):,} characters)"


def _needs(store: Store, roots: Sequence[DRef]) -> dict[DRef, tuple[DRef, ...]]:
    everything = [*query.deep_deps(store, roots), *roots]
    return {dref: query.config_of(store, dref).deps for dref in dict.fromkeys(everything)}


def _derivation(store: Store, dref: DRef) -> Html:
    config = query.config_of(store, dref)
    _, sizes = size_of(store, dref)
    made = [(str(query.provenance_of(store, rref).get("stop", "")), rref) for rref in sizes]
    rows: list[tuple[object, ...]] = [
        (
            tag("code", rref[5:13], title=rref),
            stop[:19].replace("T", " "),
            _took(store, rref),
            size(sizes[rref]),
        )
        for stop, rref in sorted(made, reverse=True)[:ROWS]
    ]
    realizations = (
        joined(
            table(("realization", "built (UTC)", "took", "size"), rows),
            tag("div", f"and {len(made) - ROWS:,} more", class_="pyl-note")
            if len(made) > ROWS
            else None,
        )
        if rows
        else tag("div", "not realized", class_="pyl-note")
    )
    return joined(
        _head("derivation", dref, dref[38:]),
        _config(config),
        _part("realizations", realizations),
        _depends(store, dref),
    )


def _took(store: Store, rref: RRef) -> str:
    seconds = query.provenance_of(store, rref).get("seconds")
    return lasting(seconds) if isinstance(seconds, (int, float)) and seconds >= 0 else ""


def _depends(store: Store, dref: DRef) -> Html | None:
    needs = _needs(store, [dref])
    return _part("depends on", graph(needs, [dref])) if len(needs) > 1 else None


def _realization(store: Store, rref: RRef) -> Html:
    query.require_rref(store, rref)
    dref = rref2dref(rref)
    stop = str(query.provenance_of(store, rref).get("stop", ""))[:19].replace("T", " ")
    took = _took(store, rref)
    note = ", ".join(part for part in (f"built {stop} UTC" if stop else "", took) if part)
    return joined(
        _head("realization", rref, dref[38:]),
        tag("div", note, class_="pyl-note"),
        _part("artifacts", artifacts(rref_path(store, rref))),
        _config(query.config_of(store, dref)),
        _depends(store, dref),
    )


def _closure(closure: Closure, store: Store) -> Html:
    there = {drv.dref: len(query.rrefs(store, drv.dref)) for drv in closure.derivations}
    rows: list[tuple[object, ...]] = [
        (_short(dref), f"{count:,}") for dref, count in [*there.items()][::-1][:ROWS]
    ]
    names = ", ".join(dref[38:] for dref in closure.targets[:5])
    more = len(there) - len(rows)
    return joined(
        tag("h4", "closure of ", tag("code", names or "nothing")),
        tag("div", f"{len(there):,} derivations", class_="pyl-note"),
        graph(closure.needs, closure.targets),
        table(("derivation", "realizations"), rows),
        tag("div", f"and {more:,} more", class_="pyl-note") if more else None,
    )


def _plan(plan: Plan) -> Html:
    known = {item.dref: item for item in plan.items}
    todo = [item for item in plan.items if item.verdict != "hit"]
    rows: list[tuple[object, ...]] = [
        (
            _short(item.dref),
            tag(
                "span",
                item.verdict,
                class_="pyl-verdict",
                style=f"background:{COLOURS[item.verdict]}",
            ),
            "" if item.seconds is None else lasting(item.seconds),
            item.reason,
        )
        for item in (*todo, *plan.hits)[:ROWS]
    ]
    more = len(plan.items) - len(rows)
    return joined(
        tag("h4", "plan: ", summary(plan)),
        graph(plan.needs, plan.targets, lambda dref: known[dref].verdict),
        table(("derivation", "", "about", "because"), rows),
        tag("div", f"and {more:,} more", class_="pyl-note") if more else None,
    )


def _build(build: Build) -> Html:
    context: list[tuple[object, ...]] = [
        (
            _short(dref),
            joined(*(joined(tag("code", rref[5:13], title=rref), " ") for rref in rrefs)),
        )
        for dref, rrefs in build.context.items()
    ]
    outputs = [
        _part(f"output {i}" if len(build.outpaths) > 1 else "output", artifacts(os.fspath(path)))
        for i, path in enumerate(build.outpaths)
        if path.is_dir()
    ]
    return joined(
        _head("build of", build.dref, build.dref[38:]),
        _config(build.config),
        _part("dependencies", table((), context)) if context else None,
        *outputs,
        _log(build),
    )


def _log(build: Build) -> Html | None:
    if not build.rarg.logged:
        return None  # to ask for its path would begin a new one
    try:
        with open(build.log, "rb") as file:
            text = as_text(file.read(TEXT_BYTES + 1), TEXT_BYTES)
    except FileNotFoundError:
        return None
    return None if text is None else _part("log", tag("pre", text))
