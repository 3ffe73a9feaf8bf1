"""`realize` with many workers: as processes, in a pipe, on a real terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from pylightnix import Store, isrref, store_drefs, store_rrefs
from stages_for_tests import all_faults, lines_of, strangers
from terminals import CTRL_C, Terminal, screens

PROGRAM = [sys.executable, "-m", "pylightnix"]
LAB = """\
import ctypes, os, time
from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv

HERE = os.path.dirname(os.path.abspath(__file__))


def tell(line):
    fd = os.open(f"{HERE}/journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(fd, f"{line}\\n".encode())
    os.close(fd)


def node(name, *deps, act=None):
    def build(b):
        tell(f"start {name}")
        print(f"works on {name}\\n", end="", flush=True)
        (build_outpath(b) / "name").write_text(name)
        if act is not None:
            act()
        tell(f"end {name}")

    return mkdrv(mkconfig({"name": name, "deps": list(deps)}), match_only(), build_wrapper(build))


def leaf(number):
    def act():
        while number >= 2 and not os.path.exists(f"{HERE}/quick"):
            time.sleep(0.02)

    return node(f"leaf-{number}", act=act)


def fan():
    return node("top", *[leaf(number) for number in range(6)])


def crash():
    return node("crash", act=lambda: ctypes.string_at(0))


def fail():
    raise ValueError("no luck")


def bad():
    bad = [node(f"bad-{number}", act=fail) for number in range(3)]
    return [node("good"), *bad, node("above", bad[0])]


def late():
    return node("late", act=lambda: time.sleep(60))


def flaky():
    def act():
        if not os.path.exists(f"{HERE}/tried"):
            open(f"{HERE}/tried", "w").close()
            raise ValueError("the first time")

    return node("flaky", act=act)


def program():
    def act():
        os.system("echo a line by a child")

    return node("program", act=act)
"""


class Lab:
    """A file of stages, a store, a journal of what is built, and the program.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "lab.py"
        self.file.write_text(LAB)
        self.journal = folder / "journal"
        self.journal.touch()
        self.store = Store.open(folder / "root", create=True, durability="none")
        self.env = {
            **{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
            "PYLIGHTNIX_ROOT": str(folder / "root"),
            "PYLIGHTNIX_DURABILITY": "none",
        }

    def words(self, stage: str, *options: str) -> list[str]:
        return [*PROGRAM, "realize", f"{self.file}:{stage}", *options]

    def run(self, stage: str, *options: str) -> subprocess.CompletedProcess[str]:
        return self.call(self.words(stage, *options))

    def call(
        self, argv: Sequence[str], text: str = "", **env: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, input=text, capture_output=True, text=True, check=False, env=self.env | env
        )

    def hurry(self) -> None:
        """Let no builder wait any more."""
        (self.folder / "quick").touch()

    def told(self, what: str) -> list[str]:
        """Who said so in the journal, in order of names."""
        return sorted(
            line.partition(" ")[2] for line in lines_of(self.journal) if line.startswith(what)
        )

    def processes(self) -> list[str]:
        """What still runs that this has started."""
        found = []
        for name in os.listdir("/proc"):
            try:
                environ = Path("/proc", name, "environ").read_bytes()
                words = Path("/proc", name, "cmdline").read_bytes()
            except OSError:
                continue
            if f"PYLIGHTNIX_ROOT={self.folder}/root".encode() in environ.split(b"\0"):
                found.append(words.replace(b"\0", b" ").decode(errors="replace"))
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path.resolve())


MANY = (["-j2"], ["--jobs", "2", "--executor", "processes"], ["--executor", "threads", "-j", "2"])


# What is built, and what is told in a pipe


@pytest.mark.parametrize("options", [[], *MANY], ids=" ".join)
def test_a_closure_is_built_and_told_in_plain_lines(options: list[str], lab: Lab) -> None:
    lab.hurry()
    done = lab.run("fan", *options)
    assert done.returncode == 0
    (rref,) = done.stdout.splitlines()
    assert isrref(rref)
    told = [re.sub(r" in .*| \w{8}:", "", line) for line in done.stderr.splitlines()]
    names = ["top", *(f"leaf-{number}" for number in range(6))]
    wanted = Counter(f"{name} {what}" for name in names for what in ("started", "built"))
    assert Counter(line for line in told if not line.startswith("works on")) == wanted
    again = lab.run("fan", *options)
    assert (again.stdout, again.stderr) == (done.stdout, "")


def test_verbosely_the_lines_of_logs_have_the_stages_name_in_front(lab: Lab) -> None:
    done = lab.run("program", "-j2", "-v")
    told = [re.sub(r" \w{8}:", ":", line) for line in done.stderr.splitlines()]
    assert told[:3] == [
        "program: started",
        "program: > works on program",
        "program: > a line by a child",
    ]


def test_events_are_lines_of_json_on_standard_error(lab: Lab) -> None:
    lab.hurry()
    done = lab.run("fan", "-j2", "--events", "json", "--json")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    counts = Counter(event["event"] for event in events)
    assert {counts.pop(kind) for kind in ("Planned", "Queued", "Started", "Built")} == {7}
    assert counts == {"LogLine": 7, "Finished": 1}
    assert [event["time_s"] for event in events] == sorted(event["time_s"] for event in events)
    (rref,) = json.loads(done.stdout)["rrefs"]
    assert events[-1]["rrefs"] == [rref]


def test_programs_that_ask_for_json_are_told_nothing_unasked(lab: Lab) -> None:
    lab.hurry()
    assert lab.run("fan", "-j2", "--json").stderr == ""
    assert lab.run("program", "-j2", "--events", "none").stderr == ""


# What fails


def test_keep_going_names_every_failure(lab: Lab) -> None:
    done = lab.run("bad", "-j2", "--keep-going")
    assert (done.returncode, done.stdout) == (1, "")
    end = done.stderr[done.stderr.index("pylightnix: 3 builds failed:") :]
    for number in range(3):
        assert f"-bad-{number} failed to build: ValueError: no luck" in end
    assert "-above" in end.splitlines()[-1]
    assert "good" in lab.told("end")
    assert [len(store_rrefs(dref, store=lab.store)) for dref in store_drefs(lab.store)].count(
        1
    ) == 1


def test_a_crash_is_a_failed_build_with_its_log_and_a_way_in(lab: Lab) -> None:
    done = lab.run("crash", "-j2")
    assert done.returncode == 1
    assert "SIGSEGV" in done.stderr
    assert "`pylightnix shell --failed`" in done.stderr
    assert done.stderr.splitlines()[-1] == "works on crash"
    (kept,) = re.findall(r"its folder is kept: (\S+)", done.stderr)
    assert Path(kept, "name").read_text() == "crash"
    assert lab.call([*PROGRAM, "log", "crash"]).stdout == "works on crash\n"
    script = 'pwd -P; echo "$PYLIGHTNIX_FAILED"; cat "$PYLIGHTNIX_LOG"; exit 3\n'
    shell = lab.call([*PROGRAM, "shell", "--failed", "--look"], script, SHELL="/bin/sh")
    assert shell.returncode == 0
    folder, dref, log = shell.stdout.splitlines()
    assert (folder, dref[38:], log) == (os.path.realpath(kept), "crash", "works on crash")
    again = lab.call([*PROGRAM, "shell", "--failed"], "pwd -P; cat name\n", SHELL="/bin/sh")
    assert "failed again: signal 11 (SIGSEGV)" in again.stderr
    printed, folder, name = again.stdout.splitlines()
    assert (printed, name) == ("works on crash", "crash")
    assert folder != os.path.realpath(kept)


def test_the_shell_is_of_the_last_failure_or_of_the_one_that_is_named(lab: Lab) -> None:
    nothing = lab.call([*PROGRAM, "shell", "--failed"], SHELL="/bin/sh")
    assert nothing.returncode == 3
    assert "nothing is left of a failed build" in nothing.stderr
    for options in (["-j2"], []):  # a process of its own, or none
        assert lab.run("bad", "--keep-going", *options).returncode == 1
        for name in ("bad-0", "bad-1", "bad-2"):
            done = lab.call([*PROGRAM, "shell", "--failed", name], "cat name\n", SHELL="/bin/sh")
            assert (done.returncode, done.stdout) == (0, f"works on {name}\n{name}")
            assert "ValueError: no luck" in done.stderr
            assert f"{name} failed again" in done.stderr
    assert lab.run("crash", "-j2").returncode == 1
    done = lab.call([*PROGRAM, "shell", "--failed", "--look", "--json"], "exit 7", SHELL="/bin/sh")
    assert (json.loads(done.stdout)["ref"][38:], json.loads(done.stdout)["status"]) == ("crash", 7)
    assert lab.call([*PROGRAM, "shell"]).returncode == 2
    assert lab.call([*PROGRAM, "shell", "--failed", "--derivation"]).returncode == 2


def test_the_log_of_a_failed_build_in_a_worker_has_its_traceback(lab: Lab) -> None:
    done = lab.run("bad", "-j2", "--keep-going")
    log = lab.call([*PROGRAM, "log", "bad-1"]).stdout
    assert log.startswith("works on bad-1\nTraceback")
    assert log.endswith("ValueError: no luck\n")
    assert log.rstrip() in done.stderr


def test_what_takes_too_long_is_stopped_and_what_failed_is_tried_again(lab: Lab) -> None:
    done = lab.run("late", "--timeout", "0.5")
    assert done.returncode == 1
    assert "building for more than 0.5 s" in done.stderr
    assert lab.run("flaky", "--retries", "1").returncode == 0
    # A slow machine may not have begun with the other one by then.
    assert [name for name in lab.told("start") if name != "late"] == ["flaky", "flaky"]


@pytest.mark.parametrize(
    "options",
    [
        ["-j", "0"],
        ["-j", "x"],
        ["--retries", "-1"],
        ["--timeout", "0"],
        ["--timeout", "nan"],
        ["--executor", "magic"],
        ["--executor", "slurm:nonsense"],
        ["--events", "loud"],
    ],
    ids=" ".join,
)
def test_options_that_cannot_be_meant_are_refused(options: list[str], lab: Lab) -> None:
    done = lab.run("program", *options)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert lab.told("start") == []


def test_two_programs_at_once_build_nothing_twice(lab: Lab) -> None:
    both = [
        subprocess.Popen(lab.words("fan", "-j2"), env=lab.env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    lab.hurry()
    outs = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outs[0] == outs[1]
    assert len(lines_of(lab.journal)) == 14


# On a terminal


@pytest.mark.parametrize("options", [["-j2"], []], ids=["many", "one"])
def test_ctrl_c_ends_it_and_the_next_run_goes_on_from_there(options: list[str], lab: Lab) -> None:
    with Terminal(lab.words("fan", *options), lab.env) as terminal:
        running = 2 if options else 1
        terminal.read(lambda: len(lab.told("start")) == 2 + running)
        start_s = time.monotonic()
        terminal.press(CTRL_C)
        assert terminal.end() == 130
        assert time.monotonic() - start_s < 10
        assert "Traceback" not in terminal.text
    if os.path.isdir("/proc/self"):
        assert lab.processes() == []
    assert [*all_faults(lab.store), *strangers(lab.store)] == []
    finished = lab.told("end")
    assert {"leaf-0", "leaf-1"} >= set(finished) and len(finished) == 2
    lab.hurry()
    assert lab.run("fan", *options).returncode == 0
    assert lab.told("end") == sorted([*(f"leaf-{number}" for number in range(6)), "top"])
    starts = Counter(lab.told("start"))
    assert (starts["leaf-0"], starts["leaf-1"]) == (1, 1)


def test_progress_on_a_terminal_is_a_bar_and_what_runs_now(lab: Lab) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    with Terminal(lab.words("fan", "-j2"), lab.env) as terminal:
        terminal.read(lambda: "leaf-2" in terminal.text and "leaf-3" in terminal.text)
        lab.hurry()
        assert terminal.end() == 0
    pictures = screens(terminal.text)
    running = next(lines for lines in pictures if any(line.startswith("leaf-3") for line in lines))
    bar, *rows = [line for line in running if line]
    assert re.fullmatch(r"[━╸╺]+ 2/7( about .* left)?", bar)
    assert {row[:6] for row in rows} == {"leaf-2", "leaf-3"}
    assert all(re.match(r"leaf-\d \w{8}  [\d.]+ s", row) for row in rows)
    last = [line for line in pictures[-1] if line]
    assert last[0] == "7 built"
    assert isrref(last[1])
    assert len(last) == 2  # nothing of the bar is left
    assert "\x1b[?25h" in terminal.text  # nor is the cursor hidden


def test_a_failure_stays_above_the_bar(lab: Lab) -> None:
    pytest.importorskip("rich", reason="the extra `progress` is missing")
    with Terminal(lab.words("bad", "-j2", "--keep-going"), lab.env) as terminal:
        assert terminal.end() == 1
    last = "\n".join(screens(terminal.text)[-1])
    for number in range(3):
        assert re.search(rf"bad-{number} \w{{8}}: failed: ValueError: no luck", last)
    assert "1 built, 4 failed or skipped" in last


def test_verbosely_lines_of_logs_stay_above_the_bar(lab: Lab) -> None:
    with Terminal(lab.words("program", "-j2", "-v"), lab.env) as terminal:
        assert terminal.end() == 0
    assert re.search(r"program \w{8}: > a line by a child", "\n".join(screens(terminal.text)[-1]))
