"""The health of a store: verify, doctor, index."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pylightnix.api.health import doctor as examine
from pylightnix.api.health import rebuild_index
from pylightnix.api.health import verify as compare
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import isdref
from pylightnix.store.check import Fault
from pylightnix.store.doctor import DAMAGE, Finding
from pylightnix.store.layout import Store
from pylightnix.store.lookup import resolve
from pylightnix.store.verify import Report

from .exits import DAMAGED, DONE, NOT_SO
from .out import complain, say, say_json, say_lines
from .pick import program, store_of
from .text import columns, count, escaped


def verify(args: Namespace) -> int:
    """Compare objects with their names, and mend them."""
    if args.target is not None and not args.repair:
        raise InvalidValue("--target is for building again what is damaged: give --repair too")
    store = store_of(args)
    refs = [resolve(store, text) for text in args.refs] or None
    if args.target is None:
        report = compare(refs, contents=not args.quick, repair=args.repair, store=store)
    else:
        report = _rebuilt(store, refs, args)
    if args.json:
        say_json(_report_json(report))
    else:
        say_lines(_report_lines(report))
        say(_verdict(report))
    if report.failure:
        complain(f"not everything could be built again: {report.failure}")
    elif not report.ok and not args.json:
        complain(_advice(report, args))
    return DONE if report.ok else DAMAGED


def _rebuilt(store: Store, refs: Sequence[str] | None, args: Namespace) -> Report:
    from .loading import at_home, closure_of
    from .target import parse_target

    target = parse_target(args.target)
    # To instantiate writes missing configs; what it mends is to be told all the same.
    before = [f for f in compare(refs, contents=False, store=store).damaged if isdref(f.ref)]
    with at_home(target):
        closure = closure_of(target, store)
        report = compare(refs, contents=not args.quick, repair=True, closure=closure, store=store)
    known = {fault.ref for fault in report.damaged}
    mended = tuple(fault for fault in before if fault.ref not in known)
    refs_mended = tuple(fault.ref for fault in mended)
    return replace(
        report,
        damaged=(*mended, *report.damaged),
        repaired=(*refs_mended, *report.repaired),
    )


def _advice(report: Report, args: Namespace) -> str:
    repair = f"`{program(args)} verify --repair --target FILE.py:STAGE`"
    if not report.lost:
        return (
            f"to have damaged objects built again, {repair}; without --target they are put into "
            "quarantine"
        )
    return (
        f"what is left of lost objects is in var/trash: realize their stages again, copy them from "
        f"another store, or next time {repair}"
    )


def _report_lines(report: Report) -> list[str]:
    rows = [
        *_fault_rows("damaged", report.damaged),
        *_fault_rows("incomplete", report.incomplete),
        *_fault_rows("notice", report.notices),
        *(("repaired", ref, "", "") for ref in report.repaired),
        *(("lost", ref, "", "") for ref in report.lost),
    ]
    return columns(rows)


def _fault_rows(word: str, faults: Iterable[Fault]) -> list[tuple[str, str, str, str]]:
    return [(word, fault.ref, escaped(fault.path), escaped(fault.what)) for fault in faults]


def _verdict(report: Report) -> str:
    parts = [f"{count(report.checked, 'object')} looked at"]
    damaged = {fault.ref for fault in report.damaged}
    incomplete = {fault.ref for fault in report.incomplete}
    noticed = {fault.ref for fault in report.notices}
    parts.append(f"{len(damaged)} damaged" if damaged else "no damage")
    for refs, word in (
        (incomplete, "incomplete"),
        (noticed, "with notices"),
        (report.repaired, "repaired"),
        (report.lost, "lost"),
    ):
        if refs:
            parts.append(f"{len(refs)} {word}")
    return ", ".join(parts)


def _report_json(report: Report) -> dict[str, object]:
    return {
        "checked": report.checked,
        "damaged": [_fault_json(fault) for fault in report.damaged],
        "failure": report.failure or None,
        "incomplete": [_fault_json(fault) for fault in report.incomplete],
        "lost": report.lost,
        "notices": [_fault_json(fault) for fault in report.notices],
        "ok": report.ok,
        "repaired": report.repaired,
    }


def _fault_json(fault: Fault) -> dict[str, str]:
    return {"path": fault.path, "ref": fault.ref, "what": fault.what}


def doctor(args: Namespace) -> int:
    """Look the store over."""
    found = examine(args.contents, store=store_of(args))
    table: list[str] = []
    if not args.no_sandbox:
        from .matrix import findings

        more, table = findings()
        found = [*found, *more]
    mends = [_for_this_store(finding.mend, args) for finding in found]
    if args.json:
        say_json([_finding_json(*pair) for pair in zip(found, mends, strict=True)])
    else:
        say_lines(_finding_lines(found, mends))
        say_lines(table)
        bad = sum(not finding.ok for finding in found)
        say(f"{bad} of {count(len(found), 'finding')} to be mended" if bad else "all is well")
    if any(finding.check == DAMAGE and not finding.ok for finding in found):
        return DAMAGED
    return DONE if all(finding.ok for finding in found) else NOT_SO


def _for_this_store(mend: str, args: Namespace) -> str:
    """Let the commands mean the store that `--store` named."""
    steps = mend.split(" && ")
    named = [re.sub("^pylightnix(?= )", lambda _: program(args), step) for step in steps]
    return " && ".join(named)


def _finding_lines(found: Sequence[Finding], mends: Sequence[str]) -> list[str]:
    rows = [("ok" if f.ok else "BAD", f.check, escaped(f.detail)) for f in found]
    lines: list[str] = []
    for line, mend in zip(columns(rows), mends, strict=True):
        lines.append(line)
        if mend:
            lines.append(f"     mend it: {mend}")
    return lines


def _finding_json(finding: Finding, mend: str) -> dict[str, object]:
    return {"check": finding.check, "detail": finding.detail, "mend": mend, "ok": finding.ok}


def index(args: Namespace) -> int:
    """Make the index anew."""
    known = rebuild_index(store_of(args))
    if args.json:
        say_json({"derivations": known})
    else:
        say(f"the index was made anew: {count(known, 'derivation')}")
    return DONE
