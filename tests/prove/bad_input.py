"""Bad input is refused by name, quickly, leaves nothing behind; by `python -O` too."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pylightnix import PylightnixError, gc

from . import audit, crew
from .bad_cases import Case, Shop, open_shop
from .outcome import Outcome

LEAST = 300
LIMIT_S = 5
TABLE_S = 600.0
# What belongs to a running process, and what may be deleted at any time.
PASSING = ("var/locks", "var/roots/.live", "var/index.sqlite", "var/verified")
OF_BUILDS = ("var/tmp/", "var/logs/")


def cases() -> Iterator[Case]:
    """All of them; the modules are loaded here, since they look for others beside this package."""
    from .bad_outputs import archive_cases, made_cases, returned_cases
    from .bad_values import path_cases, ref_cases, value_cases
    from .bad_world import command_cases, keep_cases, place_cases, realize_cases, stage_cases

    for table in (
        ref_cases,
        value_cases,
        path_cases,
        stage_cases,
        realize_cases,
        keep_cases,
        place_cases,
        command_cases,
        returned_cases,
        made_cases,
        archive_cases,
    ):
        yield from table()


def tried(case: Case, shop: Shop, answer: str) -> None:
    """Do one case in this process, and write what came of it."""
    crew.new_process()
    skip = PASSING + (OF_BUILDS if case.builds else ())
    given = case.prepare(shop)
    before = {top: audit.listing(top, skip) for top in (shop.root, shop.outside)}
    problem, name, text = "", "", ""
    signal.alarm(LIMIT_S)
    try:
        result = case.act(shop, given)
        problem = f"was not refused: {result!r:.200}"
    except PylightnixError as error:
        name, text = type(error).__name__, str(error)
        if not 15 <= len(text) <= 12_000:
            problem = f"says too little or too much: {len(text)} characters: {text!r:.99}"
    except BaseException:
        problem = traceback.format_exc()[-900:]
    signal.alarm(0)
    for top, listing in before.items():
        after = audit.listing(top, skip)
        changed = [path for path in {**listing, **after} if listing.get(path) != after.get(path)]
        if changed:
            problem += f" left behind or changed: {sorted(changed)[:5]}"
    Path(answer).write_text(json.dumps({"problem": problem, "name": name, "text": text}))


def plain(text: str, top: str) -> str:
    """A text without what differs from run to run."""
    text = text[:5000].replace(top, "<top>")
    text = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b", "<n>", text)
    text = re.sub(r"process \d+", "process <n>", text)
    return re.sub(r"[\w.]+-\d+-<n>", "<scratch>", text)


def table(top: str, points: int) -> None:
    """Do the cases one after the other, each in a process of its own; print what came of each."""
    shop = open_shop(top)
    every = list(cases())
    # A few are chosen from all over the table.
    chosen = [every[number * len(every) // points] for number in range(points)]
    for case in chosen if points < len(every) else every:
        answer = f"{top}/answer"
        status = crew.ended(crew.start(lambda: tried(case, shop, answer), f"{top}/errors"), 30)  # noqa: B023
        found: dict[str, Any] = {"problem": f"ended by {status}", "name": "", "text": ""}
        if os.path.exists(answer):
            found = json.loads(Path(answer).read_text())
            os.unlink(answer)
        elif status == -signal.SIGALRM:
            found["problem"] = f"hangs: not refused within {LIMIT_S} s"
        if case.builds:
            gc(leftovers_only=True, grace_s=0, store=shop.store)
        for path in Path(shop.outside).iterdir():
            crew.scrap(str(path)) if path.is_dir() else path.unlink()
        found["text"] = plain(found["text"], top)
        sys.stdout.write(json.dumps({"case": case.name, **found}) + "\n")
        sys.stdout.flush()


def run(top: str, points: int, optimize: int) -> dict[str, dict[str, str]]:
    """Do the table in an interpreter with or without asserts."""
    tests = Path(__file__).parents[1]
    env = {key: text for key, text in os.environ.items() if not key.startswith("PYLIGHTNIX_")}
    env |= {"PYTHONPATH": str(tests), "PYTHONOPTIMIZE": str(optimize or ""), "HOME": top}
    done = subprocess.run(
        [sys.executable, "-m", "prove.bad_input", top, str(points)],
        env=env,
        cwd=top,
        capture_output=True,
        text=True,
        timeout=TABLE_S,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        answers.append({"case": "the table", "problem": done.stderr[-900:], "name": "", "text": ""})
    return {answer.pop("case"): answer for answer in answers}


def prove(points: int, seed: int) -> Outcome:
    """Give `points` bad inputs, or as many as there are, with asserts and without."""
    del seed  # nothing here is left to chance
    begin_s, wrong, found = time.monotonic(), list[str](), list[dict[str, dict[str, str]]]()
    for optimize in (0, 1):
        with crew.room() as top:
            found.append(run(top, points, optimize))
    usual, optimized = found
    for case, answer in usual.items():
        if answer["problem"]:
            wrong.append(f"{case}: {answer['problem']}")
        elif answer != optimized.get(case):
            wrong.append(f"{case}: under -O: {optimized.get(case)}, otherwise {answer}")
    if len(usual) < min(points, LEAST) or len(usual) != len(optimized):
        wrong.append(f"{len(usual)} cases were done, and {len(optimized)} under -O")
    hangs = sum("hangs" in line for line in wrong)
    left = sum("left behind" in line for line in wrong)
    figure = (
        f"{len(usual) - len(wrong)} of {len(usual)} refused, {left} left-overs, {hangs} hangs, "
        f"also under -O ({time.monotonic() - begin_s:.0f} s)"
    )
    for line in wrong[:40]:
        figure += f"\n  {line:.900}"
    return Outcome("bad input", "all refused, 0 left-overs, 0 hangs", figure, not wrong, len(usual))


if __name__ == "__main__":
    table(sys.argv[1], int(sys.argv[2]))
