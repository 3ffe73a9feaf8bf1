"""Whatever is damaged is found, not handed out, and made again; what is whole is left alone."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from pylightnix import (
    Closure,
    DRef,
    PylightnixError,
    Report,
    RRef,
    Store,
    instantiate,
    match_some,
    realize_context,
    rref2path,
    store_drefs,
    store_rrefs,
    verify,
)

from . import audit, crew
from .damage_table import DAMAGES, HARMLESS
from .damages import Damage, Site
from .nodes import node
from .outcome import Outcome

FRESH_EVERY = 40


def stage() -> list[DRef]:
    """Objects of every kind: chains, a diamond, large and tiny, several of one derivation."""
    base = node("base", size=300_000)
    left, right = node("left", base), node("right", base, size=0)
    top = node("top", left, right)
    chain = node("one")
    for i in range(4):
        chain = node("link", chain, i=i)
    noisy = node("noisy", base, noisy=True)
    return [top, chain, node("user", noisy), node("many", noisy=True, matcher=match_some(3))]


@dataclass
class Case:
    """One store, its closure, and what went wrong so far."""

    store: Store
    closure: Closure
    worn: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def note(self, what: str, damage: Damage, detail: object) -> None:
        """Count a failure."""
        self.seen[what] += 1
        self.wrong.append(f"{what}: {damage.name}: {detail}")


def good(store: Store) -> set[str]:
    """Every realization that is whole, in an independent reader's opinion."""
    return {r for dref in audit.drefs(store.objects) for r in audit.good_rrefs(store.objects, dref)}


def chosen(closure: Closure) -> set[str]:
    """What realizing gives, for every derivation."""
    return {rref for rrefs in realize_context(closure)[1].values() for rref in rrefs}


@contextmanager
def fresh_case(top: str, number: int) -> Iterator[Case]:
    """A store with everything realized, and looked at long enough ago for the index to know."""
    crew.new_process()
    store = Store.open(f"{top}/{number}", create=True, durability="none")
    case = Case(store, instantiate(stage, store=store))
    chosen(case.closure)
    time.sleep(0.06)
    for dref in store_drefs(store):
        store_rrefs(dref, store=store)
    yield case
    crew.scrap(f"{top}/{number}")


def told(report: Report) -> set[str]:
    """The objects that a report calls damaged, or incomplete."""
    return {str(fault.ref) for fault in (*report.damaged, *report.incomplete)}


def one(case: Case, damage: Damage, rng: Random) -> None:
    """Damage one object, and see what becomes of it."""
    store, before = case.store, good(case.store)
    if (report := verify(store=store)).damaged or report.incomplete:
        case.note("false alarm", damage, report)
    site = _site(store, before, damage, rng)
    if site is None:
        return
    rref, place = site
    if rng.random() < 0.1:  # as if nothing had ever been seen whole: it may be a copy under way
        for name in os.listdir(f"{store.var}/verified"):
            os.unlink(f"{store.var}/verified/{name}")
    if rng.random() < 0.3:
        crew.new_process()
    destroyed = before - good(store)
    if damage.harmless:
        harmless(case, damage, place, destroyed)
        return
    case.seen["damages"] += 1
    if damage.quick and place not in told(verify(contents=False, store=store)):
        case.note("not found at a glance", damage, place)
    if place not in told(verify(store=store)):
        case.note("not found", damage, place)
    if rng.random() < 0.5:
        handed_out(case, damage, [rref, *destroyed])
    repaired(case, damage, place, before, destroyed)


def _site(
    store: Store, rrefs: Iterable[str], damage: Damage, rng: Random
) -> tuple[str, str] | None:
    """Find an object to which this can be done, and do it."""
    todo = sorted(rrefs)
    rng.shuffle(todo)
    for rref in todo:
        others = tuple(other for other in todo if other != rref)
        place = damage.apply(Site(store.objects, rref, others, rng))
        if place is not None:
            return rref, place
    return None


def harmless(case: Case, damage: Damage, place: str, destroyed: set[str]) -> None:
    """What harms nothing is no damage; some of it is noticed, and mended."""
    case.seen["harmless"] += 1
    report = verify(store=case.store)
    if destroyed or report.damaged or report.incomplete:
        case.note("false alarm", damage, report)
    if damage.notice != (place in {str(fault.ref) for fault in report.notices}):
        case.note("notice", damage, report.notices)
    if damage.notice:
        verify(repair=True, closure=case.closure, store=case.store)
        if (report := verify(store=case.store)).notices:
            case.note("notice not mended", damage, report.notices)


def handed_out(case: Case, damage: Damage, destroyed: Iterable[str]) -> None:
    """After verify has run, nothing that is damaged is given to anybody."""
    objects = case.store.objects
    given: set[str] = {
        r for dref in store_drefs(case.store) for r in store_rrefs(dref, store=case.store)
    }
    given |= {str(rref) for rref in destroyed if _has_path(case.store, rref)}
    for rref in given | chosen(case.closure):
        if fault := audit.wrong(objects, rref):
            case.note("handed out", damage, f"{rref}: {fault}")


def _has_path(store: Store, rref: str) -> bool:
    try:
        return rref2path(RRef(rref), store=store).is_dir()
    except PylightnixError:
        return False


def _is_noisy(rref: str) -> bool:
    return rref.endswith(("-noisy", "-many", "-user"))


def _path(store: Store, ref: str) -> str:
    place = audit.place(store.objects, ref)
    return place if ref.startswith("rref:") else f"{place}/config.json"


def repaired(case: Case, damage: Damage, place: str, before: set[str], destroyed: set[str]) -> None:
    """What can be made again is there again; of the rest it is said; nothing was deleted."""
    store = case.store
    trash = set(os.listdir(f"{store.var}/trash"))
    left = os.path.lexists(_path(store, place))
    report = verify(repair=True, closure=case.closure, store=store)
    clean, now = verify(store=store), good(store)
    case.worn = bool(clean.incomplete)  # what may be a copy under way is left alone, and listed
    if clean.damaged or any(audit.wrong(store.objects, dref) for dref in store_drefs(store)):
        case.note("not clean", damage, clean.damaged)
    # What depends on something that was lost is made again of another one.
    makeable = destroyed & (chosen(case.closure) | {rref for rref in before if not _is_noisy(rref)})
    for rref in makeable - now:
        case.note("not repaired", damage, rref)
    for rref in before - destroyed - now:
        case.note("lost", damage, rref)
    if report.damaged and left and not set(os.listdir(f"{store.var}/trash")) - trash:
        case.note("deleted", damage, report.damaged)
    if not report.ok and not {fault.ref for fault in report.damaged} - set(report.repaired) <= set(
        report.lost
    ):
        case.note("not said", damage, report)
    case.seen["repairable"] += len(makeable)


def prove(points: int, seed: int) -> Outcome:
    """Do `points` damages, and half as many things that harm nothing."""
    begin_s, rng = time.monotonic(), Random(seed)
    seen, wrong = Counter[str](), list[str]()
    with crew.room() as top:
        number = 0
        while seen["damages"] < points:
            with fresh_case(top, number) as case:
                for _ in range(FRESH_EVERY):
                    number += 1
                    table = HARMLESS if number % 3 == 0 else DAMAGES
                    if not case.worn and case.seen["damages"] + seen["damages"] < points:
                        one(case, table[number // 3 % len(table)], rng)
            seen += case.seen
            wrong += case.wrong
    missed = max(seen["not found"], seen["not found at a glance"])
    figure = (
        f"{100 * (1 - missed / seen['damages']):g} % of {seen['damages']} found, "
        f"{seen['false alarm']} false alarms, {seen['handed out']} handed out, "
        f"{seen['repairable'] - seen['not repaired']} of {seen['repairable']} repaired "
        f"({time.monotonic() - begin_s:.0f} s)"
    )
    for line in wrong[:20]:
        figure += f"\n  {line:.600}"
    wanted = "100 % found, 0 false alarms, all repairable ones repaired"
    return Outcome("damage", wanted, figure, not wrong, seen["damages"])
