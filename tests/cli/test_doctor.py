"""Faults are planted; what doctor says of each is done, and then it has nothing to say of it."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cli.shop import Run, Shop
from pylightnix import verify
from pylightnix.store import doctor as the_doctor
from pylightnix.store import lock
from pylightnix.store.index import Index

Finding: TypeAlias = dict[str, Any]
FAULTS: dict[str, tuple[str, Callable[[Shop], object]]] = {}


@pytest.fixture(autouse=True)
def no_sandboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are no part of a store, and trying them takes a second."""
    monkeypatch.setattr("pylightnix.cli.matrix.findings", lambda: ([], []))


def fault(check: str) -> Callable[[Callable[[Shop], object]], Callable[[Shop], object]]:
    """Note a function that plants a fault, and what the finding is called."""

    def note(plant: Callable[[Shop], object]) -> Callable[[Shop], object]:
        FAULTS[plant.__name__] = (check, plant)
        return plant

    return note


def overwrite(path: str, text: str) -> None:
    os.chmod(path, 0o644)
    Path(path).write_text(text)
    os.chmod(path, 0o444)


def without(path: str) -> None:
    """Delete something from a read-only folder."""
    folder = os.path.dirname(path)
    os.chmod(folder, 0o755)
    os.unlink(path)
    os.chmod(folder, 0o555)


KILLED = """
import os, signal
from pylightnix import Build, build_outpath, build_wrapper, instantiate, match_only, mkconfig
from pylightnix import mkdrv, realize

def build(b: Build) -> None:
    (build_outpath(b) / "half").write_text("ha")
    os.kill(os.getpid(), signal.SIGKILL)

realize(instantiate(lambda: mkdrv(mkconfig({"name": "it"}), match_only(), build_wrapper(build))))
"""


@fault("left-over")
def a_killed_build(shop: Shop) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED], check=False).returncode == -9
    assert os.listdir(f"{shop.store.var}/tmp")
    assert os.listdir(f"{shop.store.var}/roots/.live")


@fault("left-over")
def a_scratch_folder_of_nobody(shop: Shop) -> None:
    os.makedirs(f"{shop.store.var}/tmp/host-1-a/0/read only")
    os.chmod(f"{shop.store.var}/tmp/host-1-a/0/read only", 0o555)


@fault("left-over")
def many_scratch_folders(shop: Shop) -> None:
    for i in range(60):
        os.mkdir(f"{shop.store.var}/tmp/host-1-{i}")


@fault("left-over")
def an_interrupted_write_at_the_top(shop: Shop) -> None:
    shutil.copytree(shop.folder(shop.report), f"{shop.store.objects}/.in-1")


@fault("left-over")
def an_interrupted_write_of_a_root(shop: Shop) -> None:
    os.symlink(shop.report, f"{shop.store.var}/roots/.in-1")


@fault("root")
def a_root_for_what_was_deleted(shop: Shop) -> None:
    os.symlink(f"rref:{'0' * 32}-{'1' * 32}-gone", f"{shop.store.var}/roots/paper")


@fault("root")
def a_root_with_a_dash(shop: Shop) -> None:
    os.symlink(f"dref:{'0' * 32}-gone", f"{shop.store.var}/roots/-x")


@fault("root")
def a_root_that_is_a_file(shop: Shop) -> None:
    Path(f"{shop.store.var}/roots/it's a file").touch()


@fault("root")
def a_root_that_points_elsewhere(shop: Shop) -> None:
    os.symlink("/nowhere", f"{shop.store.var}/roots/else")


@fault("folders")
def a_folder_of_var_is_gone(shop: Shop) -> None:
    for part in ("trash", "locks"):
        shutil.rmtree(f"{shop.store.var}/{part}")


@fault("folders")
def var_is_gone(shop: Shop) -> None:
    shutil.rmtree(shop.store.var)


@fault("folders")
def a_file_is_where_a_folder_should_be(shop: Shop) -> None:
    shutil.rmtree(f"{shop.store.var}/logs")
    Path(f"{shop.store.var}/logs").touch()


@fault("trash")
def something_is_in_quarantine(shop: Shop) -> None:
    overwrite(f"{shop.folder(shop.exps[0])}/score.txt", "9\n")
    assert verify(repair=True).lost == (shop.exps[0],)


@fault("trash")
def a_collector_was_killed_in_the_end(shop: Shop) -> None:
    os.mkdir(f"{shop.store.var}/trash/old-1")


@fault("index")
def the_index_is_no_data_base(shop: Shop) -> None:
    Path(f"{shop.store.var}/index.sqlite").write_bytes(b"no data base" * 1000)


@fault("index")
def the_index_has_a_flipped_bit(shop: Shop) -> None:
    path = f"{shop.store.var}/index.sqlite"
    index = Index(path)
    index.put("shelf", "key", "body")
    index.flush()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE shelf SET body = 'bodx' WHERE key = 'key'")
    connection.close()


@fault("index")
def a_folder_is_where_the_index_should_be(shop: Shop) -> None:
    path = f"{shop.store.var}/index.sqlite"
    Path(path).unlink(missing_ok=True)
    os.makedirs(f"{path}/inner")


@fault("damage")
def an_artifact_was_cut(shop: Shop) -> None:
    overwrite(f"{shop.folder(shop.report)}/report.txt", "s")


@fault("damage")
def an_artifact_is_gone(shop: Shop) -> None:
    without(f"{shop.folder(shop.exps[1])}/sub/inner/é.txt")


@fault("damage")
def a_manifest_is_empty(shop: Shop) -> None:
    overwrite(f"{shop.folder(shop.report)}/.pylightnix/manifest.json", "")


@fault("damage")
def a_config_was_changed(shop: Shop) -> None:
    overwrite(f"{shop.folder(shop.report_drv)}/config.json", '{"name":"report"}')


@fault("damage")
def a_config_is_gone(shop: Shop) -> None:
    os.unlink(f"{shop.folder(shop.report_drv)}/config.json")


@fault("damage")
def damage_everywhere(shop: Shop) -> None:
    for rref in (*shop.exps, shop.report):
        for at, _, names in os.walk(shop.folder(rref)):
            for name in names:
                if not os.path.islink(f"{at}/{name}"):
                    overwrite(f"{at}/{name}", "damage")


@fault("notice")
def write_permissions(shop: Shop) -> None:
    os.chmod(f"{shop.folder(shop.report)}/report.txt", 0o664)
    os.chmod(shop.folder(shop.exps[0]), 0o755)
    os.chmod(f"{shop.folder(shop.exp)}/config.json", 0o644)


@fault("notice")
def a_lost_build_json(shop: Shop) -> None:
    without(f"{shop.folder(shop.report)}/.pylightnix/build.json")


@fault("notice")
def a_folder_is_where_build_json_should_be(shop: Shop) -> None:
    path = f"{shop.folder(shop.report)}/.pylightnix/build.json"
    without(path)
    os.chmod(os.path.dirname(path), 0o755)
    os.mkdir(path, 0o555)
    os.chmod(os.path.dirname(path), 0o555)


@fault("lock")
def a_lease_of_a_dead_process(shop: Shop) -> None:
    path = f"{shop.store.var}/locks/3f.lease"
    Path(path).touch()
    os.utime(path, (0, 0))


def bad(run: Run, *words: str) -> list[Finding]:
    """What is not well."""
    return [finding for finding in run("doctor", "--json", *words).json if not finding["ok"]]


def carry_out(command: str, run: Run) -> None:
    """Do what was said, as a person would."""
    for step in command.split(" && "):
        program, *words = shlex.split(step)
        if program == "pylightnix":
            assert run(*words).status in (0, 4), step  # 4: it told of damage, and mended it
        else:
            subprocess.run([program, *words], check=True)


def carry_out_all(run: Run) -> None:
    """Mend whatever is not well, until all is; one thing may come out when another is mended."""
    for _ in range(4):
        for command in dict.fromkeys(finding["mend"] for finding in bad(run)):
            carry_out(command, run)


@pytest.fixture
def no_process(own_shop: Shop) -> Iterator[Shop]:
    """A store that was not filled by this process, which would be at work in it all the time."""
    from pylightnix.api.ambient import _Process

    _Process.live.pop(own_shop.store.var).close()
    yield own_shop
    for live in _Process.live.values():
        live.close()


def test_a_store_in_order_is_all_well(no_process: Shop, run: Run) -> None:
    done = run("doctor")
    assert (done.status, done.err) == (0, "")
    assert all(line.startswith("ok  ") for line in done.lines[:-1])
    assert done.lines[-1] == "all is well"
    assert run("doctor", "--contents").status == 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_the_command_that_is_named_mends_it(
    name: str, no_process: Shop, run: Run
) -> None:
    check, plant = FAULTS[name]
    assert bad(run) == []
    plant(no_process)
    found = bad(run)
    assert {finding["check"] for finding in found} == {check}
    status = run("doctor").status
    assert status == (4 if check == "damage" else 1)
    for command in dict.fromkeys(finding["mend"] for finding in found):
        assert command
        carry_out(command, run)
    assert check not in {finding["check"] for finding in bad(run)}
    assert run("doctor").status in (0, 1)
    carry_out_all(run)
    assert bad(run) == []
    assert run("doctor", "--contents").status == 0


def test_changed_contents_are_found_if_one_asks_for_it(no_process: Shop, run: Run) -> None:
    overwrite(f"{no_process.folder(no_process.report)}/report.txt", "score 4\n")
    assert bad(run) == []
    (found,) = bad(run, "--contents")
    assert found["check"] == "damage"
    carry_out(found["mend"], run)
    assert "damage" not in {finding["check"] for finding in bad(run, "--contents")}


def test_damage_is_in_quarantine_after_its_repair(no_process: Shop, run: Run) -> None:
    overwrite(f"{no_process.folder(no_process.report)}/report.txt", "s")
    carry_out(bad(run)[0]["mend"], run)
    kept = Path(f"{no_process.store.var}/trash").glob("*/report.txt")
    assert [path.read_text() for path in kept] == ["s"]
    assert [finding["check"] for finding in bad(run)] == ["trash"]


def test_a_collection_that_can_be_undone_is_no_fault(no_process: Shop, run: Run) -> None:
    run("gc", "--grace", "0")
    assert bad(run) == []
    assert "can be undone" in run("doctor").out


def test_a_lost_config_comes_back_with_its_stage_and_its_realizations(
    no_process: Shop, run: Run
) -> None:
    from cli.shop import report
    from pylightnix import instantiate, realize

    a_config_is_gone(no_process)
    carry_out_all(run)
    assert "instantiate its stage" in run("doctor").out
    assert realize(instantiate(report)) == no_process.report
    assert run("verify").lines == ["7 objects looked at, no damage"]
    a_config_is_gone(no_process)
    assert run("doctor").status == 4


def test_the_mend_is_shown_below_its_finding(no_process: Shop, run: Run) -> None:
    a_root_for_what_was_deleted(no_process)
    done = run("doctor")
    (at,) = [i for i, line in enumerate(done.lines) if line.startswith("BAD")]
    assert done.lines[at].split()[:4] == ["BAD", "root", "paper", "is"]
    assert done.lines[at + 1] == "     mend it: pylightnix root rm paper"
    assert done.lines[-1].startswith("1 of ")


def test_the_commands_are_for_the_store_that_was_asked_about(
    no_process: Shop, run: Run, tmp_path: Path
) -> None:
    other = tmp_path / "it's other"
    run("init", str(other))
    os.symlink(f"dref:{'0' * 32}-gone", f"{other}/var/roots/paper")
    shutil.rmtree(f"{other}/var/tmp")
    found = bad(run, "--store", str(other))
    assert len(found) == 2
    for finding in found:
        carry_out(finding["mend"], run)
    assert bad(run, "--store", str(other)) == []
    assert bad(run) == []


def test_low_space_is_told_with_commands_that_work(
    no_process: Shop, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(the_doctor, "LOW_SPACE_BYTES", 1 << 62)
    (found,) = bad(run)
    assert found["check"] == "free space"
    carry_out(found["mend"], run)
    monkeypatch.undo()


def test_locks_that_are_held_are_counted(no_process: Shop, run: Run) -> None:
    with lock.build_lock(no_process.store, no_process.exp):
        assert "1 held" in run("doctor").out
    assert "none is held" in run("doctor").out


def test_an_index_that_another_process_is_writing_is_no_fault(no_process: Shop, run: Run) -> None:
    with sqlite3.connect(f"{no_process.store.var}/index.sqlite") as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert bad(run) == []
        connection.rollback()
    connection.close()


def test_what_a_process_at_work_uses_is_not_left_over(own_shop: Shop, run: Run) -> None:
    folder = f"{own_shop.folder(own_shop.exp)}/.in-1"
    os.mkdir(folder)  # this process uses `exp`, and may be writing this
    assert bad(run) == []


def test_var_on_another_disk_is_told_with_a_command_that_mends_it(
    no_process: Shop, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = "/dev/shm"
    here = os.stat(no_process.store.objects).st_dev
    if not os.access(there, os.W_OK) or os.stat(there).st_dev == here:
        pytest.skip("there is no second file system here to write to")
    var = f"{there}/pylightnix-{os.getpid()}"
    shutil.copytree(no_process.store.var, var, symlinks=True)
    try:
        env = os.environ | {"PYLIGHTNIX_TMP": var}
        monkeypatch.setenv("PYLIGHTNIX_TMP", var)
        (found,) = bad(run)
        assert found["check"] == "file system"
        functions = f'pylightnix() {{ "{sys.executable}" -m pylightnix "$@"; }}'
        script = f"{functions}; {found['mend']} && pylightnix doctor"
        done = subprocess.run(["sh", "-c", script], env=env, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        shutil.rmtree(var)


def test_a_store_that_can_only_be_read_can_be_looked_over(
    no_process: Shop, nonroot: None, run: Run
) -> None:
    for at, folders, _ in os.walk(no_process.store.var):
        for folder in folders:
            os.chmod(f"{at}/{folder}", 0o555)
    os.chmod(no_process.store.objects, 0o555)
    os.chmod(no_process.store.var, 0o555)
    try:
        assert "can only be read" in run("doctor").out
        assert bad(run) == []
    finally:
        for at, folders, _ in os.walk(no_process.root):
            for folder in folders:
                os.chmod(f"{at}/{folder}", 0o755)


def test_the_index_is_made_anew(shop: Shop, run: Run) -> None:
    assert run("index", "--rebuild").out == "the index was made anew: 3 derivations\n"
    assert run("index", "--rebuild", "--json").json == {"derivations": 3}
