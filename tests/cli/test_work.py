from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shop import Run, Shop
from pylightnix.cli.cmd_look import IsFolder
from pylightnix.cli.cmd_work import NoLog
from pylightnix.cli.pick import Several
from pylightnix.cli.times import InvalidTime


def test_log_prints_what_a_build_printed(shop: Shop, run: Run) -> None:
    assert run("log", shop.exps[0]).out == "$ echo 'trial 1'\ntrial 1\n"


def test_log_of_a_derivation_is_that_of_the_build_that_failed(shop: Shop, run: Run) -> None:
    assert run("log", "bad").lines[1] == "it went wrong"
    assert run("log", "bad", "--json").json == {
        "path": f"{shop.store.var}/logs/{shop.bad}",
        "ref": shop.bad,
        "text": run("log", "bad").out,
    }


def test_log_of_a_derivation_is_otherwise_that_of_its_only_realization(
    own_shop: Shop, run: Run
) -> None:
    assert run("rm", *own_shop.exps[:2]).status == 0
    assert run("log", "exp").out == run("log", own_shop.exps[2]).out


def test_log_of_several_realizations_lists_them(shop: Shop, run: Run) -> None:
    done = run("log", "exp")
    assert done.status == 1
    assert all(rref[5:13] in done.err for rref in shop.exps)


def test_where_there_is_no_log_it_says_so(own_shop: Shop, run: Run) -> None:
    os.unlink(f"{own_shop.store.var}/logs/{own_shop.bad}")
    for ref in ("report", own_shop.report, "bad"):
        done = run("log", ref)
        assert (done.status, done.out) == (3, "")
        assert "there is no log of" in done.err


def test_log_of_what_is_not_there_says_that_instead(shop: Shop, run: Run) -> None:
    for ref in (f"dref:{'0' * 32}-x", f"rref:{'0' * 32}-{'1' * 32}-x"):
        done = run("log", ref)
        assert done.status == 3
        assert "is not in the store" in done.err


def test_a_log_that_is_no_text_is_shown_to_programs_as_far_as_it_is(
    own_shop: Shop, run: Run
) -> None:
    with open(f"{own_shop.store.var}/logs/{own_shop.bad}", "wb") as file:
        file.write(b"\xff\x1b[31m\n")
    assert run("log", "bad", "--json").json["text"] == "\ufffd\x1b[31m\n"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell that says where it is, and fails."""
    path = tmp_path / "shell"
    path.write_text("#!/bin/sh\npwd -P\nexit 3\n")
    path.chmod(0o755)
    monkeypatch.setenv("SHELL", str(path))
    return path


def shell_in(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pylightnix", "shell", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("shell")
def test_shell_opens_one_in_the_folder(shop: Shop) -> None:
    done = shell_in("report")
    assert (done.returncode, done.stdout.strip()) == (0, os.path.realpath(shop.folder(shop.report)))
    done = shell_in("exp", "--derivation")
    assert done.stdout.strip() == os.path.realpath(shop.folder(shop.exp))


@pytest.mark.usefixtures("shell")
def test_shell_tells_programs_how_it_ended(shop: Shop, run: Run) -> None:
    folder = shop.folder(shop.report)
    assert run("shell", "report", "--json").json == {
        "path": folder,
        "ref": shop.report,
        "status": 3,
    }


@pytest.mark.usefixtures("shell")
def test_shell_of_several_realizations_lists_them(shop: Shop, run: Run) -> None:
    assert run("shell", "exp").status == 1
    assert run("shell", "bad").status == 3


def test_a_shell_that_cannot_be_started_is_named(shop: Shop, shell: Path, run: Run) -> None:
    shell.chmod(stat.S_IRUSR)
    shell.unlink()
    done = run("shell", "report")
    assert done.status == 1
    assert str(shell) in done.err


@pytest.mark.parametrize(
    "error",
    [NoLog("dref:x"), Several("dref:x", ("a", "b")), IsFolder("rref:x", "sub"), InvalidTime("x")],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_trip_from_a_worker(error: Exception) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (type(error), str(error))
