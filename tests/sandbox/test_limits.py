"""Control groups: where they may be made, on machines of several kinds, and what they do here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pylightnix.sandbox.limits import Group, Home, homes, needed


@pytest.fixture
def machine(room: Path) -> Path:
    """A /proc, and beside it what it says is mounted."""
    (room / "proc" / "self").mkdir(parents=True)
    return room


def says(machine: Path, ours: list[str], *mounts: str) -> tuple[Home, ...]:
    """Homes on a machine that says so; `mounts` are `folder kind options`."""
    rows = [
        f"{kind} {machine}/{place} {kind} rw,{options} 0 0"
        for place, kind, options in map(str.split, mounts)
    ]
    (machine / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in ours))
    (machine / "proc/self/mounts").write_text("".join(f"{row}\n" for row in rows))
    return homes(str(machine / "proc"))


def second(machine: Path, path: str, controllers: str) -> Path:
    folder = machine / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.subtree_control").write_text(controllers)
    (folder / "cgroup.procs").write_text("")
    return folder


def test_version_2_is_used_at_the_nearest_folder_that_gives_controllers(machine: Path) -> None:
    second(machine, "cg", "cpu memory pids")
    near = second(machine, "cg/user", "memory pids")
    second(machine, "cg/user/me", "")
    found = says(machine, ["0::/user/me"], "cg cgroup2 x")
    assert found == (Home(str(near), 2, ("memory", "pids")),)


def test_version_1_has_a_folder_for_each_controller(machine: Path) -> None:
    for place in ("m/us", "p/us", "c"):
        (machine / place).mkdir(parents=True)
    ours = ["4:memory:/us", "3:pids:/us", "2:cpu,cpuacct:/gone"]
    mounts = ["m cgroup memory", "p cgroup pids", "c cgroup cpu,cpuacct", "d cgroup devices"]
    assert says(machine, ours, *mounts) == (
        Home(f"{machine}/m/us", 1, ("memory",)),
        Home(f"{machine}/p/us", 1, ("pids",)),
        Home(f"{machine}/c", 1, ("cpu",)),
    )


def test_version_2_goes_first_and_1_is_for_the_rest(machine: Path) -> None:
    second(machine, "two", "pids")
    (machine / "m").mkdir()
    (machine / "p").mkdir()
    ours = ["2:memory:/", "1:pids:/", "0::/"]
    found = says(machine, ours, "m cgroup memory", "p cgroup pids", "two cgroup2 x")
    assert [(home.version, home.controllers) for home in found] == [
        (1, ("memory",)),
        (2, ("pids",)),
    ]


@pytest.mark.usefixtures("nonroot")
def test_what_is_not_ours_is_no_home(machine: Path) -> None:
    second(machine, "cg", "memory").chmod(0o555)
    (machine / "m").mkdir(mode=0o555)
    assert says(machine, ["1:memory:/", "0::/"], "cg cgroup2 x", "m cgroup memory") == ()


def test_a_machine_that_says_nothing_has_none(room: Path) -> None:
    assert homes(str(room)) == ()


def test_only_what_has_to_be_limited_is_used() -> None:
    memory, pids = Home("/m", 1, ("memory",)), Home("/p", 1, ("pids",))
    assert needed((memory, pids), frozenset({"memory", "file"})) == (memory,)
    assert needed((memory, pids), frozenset()) == ()


def test_limits_are_written_and_what_was_used_is_read(room: Path) -> None:
    """On folders that are just that; the kernel would have made the files."""
    group = Group((Home(str(room), 2, ("memory", "pids", "cpu")),), 1000, 7)
    (entrance,) = group.entrances
    folder = Path(entrance).parent
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "7"
    (folder / "memory.peak").write_text("900\n")
    (folder / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    (folder / "memory.events").write_text("low 0\noom_kill 1\n")
    assert (group.memory_bytes(), group.cpu_s(), group.out_of_memory()) == (900, 2.5, True)
    group.kill()
    assert (folder / "cgroup.kill").read_text() == "1"
    for name in os.listdir(folder):
        (folder / name).unlink()
    group.remove()
    assert os.listdir(room) == []


def test_nothing_is_known_of_what_is_not_limited(room: Path) -> None:
    group = Group((Home(str(room), 2, ("pids",)),), None, None)
    assert (group.memory_bytes(), group.cpu_s(), group.out_of_memory()) == (0, 0.0, False)
    group.remove()


def test_groups_of_dead_processes_are_taken_away_in_time(room: Path) -> None:
    for name in ("pylightnix-999999999-old", "pylightnix-999999999-new", "others"):
        (room / name).mkdir()
    alive = room / f"pylightnix-{os.getpid()}-ours"
    alive.mkdir()
    for name in ("pylightnix-999999999-old", alive.name, "others"):
        os.utime(room / name, (1, 1))
    Group((Home(str(room), 2, ("pids",)),), None, None).remove()
    assert set(os.listdir(room)) == {"others", "pylightnix-999999999-new", alive.name}


def test_groups_are_gone_with_what_ran_in_them(room: Path) -> None:
    found = homes()
    if not found:
        pytest.skip("this user may make no control groups here")
    group = Group(found, 1 << 30, 10)
    folders = [os.path.dirname(entrance) for entrance in group.entrances]
    assert all(map(os.path.isdir, folders))
    group.remove()
    assert not any(map(os.path.exists, folders))
