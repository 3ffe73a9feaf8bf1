"""The program as its own process: pipes, streams and what it loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shop import Shop, open_shop
from pylightnix import (
    Build,
    build_outpath,
    build_wrapper,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    realize,
)
from pylightnix.cli import __name__ as cli_name

PROGRAM = [sys.executable, "-m", "pylightnix"]
LARGE = 1 << 20


def pylightnix(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, check=False, env=os.environ | env
    )


def fill(b: Build) -> None:
    """Make an artifact, a listing and a log that no pipe can hold."""
    (build_outpath(b) / "large").write_bytes(b"x" * LARGE)
    for i in range(500):
        (build_outpath(b) / f"{i:0200d}").touch()
    b.log.write_bytes(b"x" * LARGE)


@pytest.fixture(scope="session")
def large_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The root of a store that holds all that; for all tests, to look at only."""
    root = tmp_path_factory.mktemp("large") / "root"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYLIGHTNIX_ROOT", str(root))
        open_shop()
        config = mkconfig({"name": "large"})
        realize(instantiate(lambda: mkdrv(config, match_only(), build_wrapper(fill))))
    return str(root)


@pytest.fixture
def large(large_root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the environment name that store."""
    monkeypatch.setenv("PYLIGHTNIX_ROOT", large_root)


def test_python_m_pylightnix_is_the_same_program(shop: Shop) -> None:
    done = pylightnix("find", "report")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{shop.report}\n", "")
    assert pylightnix("--version").stdout.startswith("pylightnix ")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["ls"], 0),
        (["diff", "exp", "bad"], 1),
        (["ls", "a/b"], 2),
        (["--bogus"], 2),
        (["ls", "zzz"], 3),
    ],
)
def test_the_exit_code_reaches_the_shell(words: list[str], status: int, shop: Shop) -> None:
    assert pylightnix(*words).returncode == status


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["ls"], 0),
        (["ls", "large", "."], 0),
        (["ls", "large", ".", "--json"], 0),
        (["cat", "large", "large"], 0),
        (["log", "large"], 0),
        (["path", "report"], 0),
        (["diff", "exp", "bad"], 1),
        (["--help"], 0),
        (["gc", "--dry-run"], 0),
        (["verify", "--quick"], 0),
    ],
)
def test_a_reader_that_goes_away_is_no_error(
    words: list[str], status: int, unbuffered: str, large: None
) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # gone before the first line: every write fails
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    try:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=writer, stderr=subprocess.PIPE, check=False, env=env
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.parametrize("words", [["ls", "large", "."], ["cat", "large", "large"]])
def test_a_reader_that_goes_away_in_the_middle_is_no_error(words: list[str], large: None) -> None:
    with subprocess.Popen(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("words", [["ls"], ["cat", "report", "report.txt"]], ids=" ".join)
def test_a_full_disk_is_said_once(words: list[str], unbuffered: str, shop: Shop) -> None:
    env = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, *words], stdout=full, stderr=subprocess.PIPE, check=False, env=env
        )
    assert done.returncode == 1
    assert done.stderr.startswith(b"pylightnix: standard output: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_error(closed: str, shop: Shop) -> None:
    line = f'"$@" {closed}'
    for words, status in ((["ls"], 0), (["cat", "report", "report.txt"], 0), (["ls", "zzz"], 3)):
        done = subprocess.run(
            ["sh", "-c", line, "sh", *PROGRAM, *words], capture_output=True, check=False
        )
        assert done.returncode == status
        assert b"Traceback" not in done.stderr


def test_a_terminal_that_is_not_utf8_gets_what_it_can_show(shop: Shop) -> None:
    done = pylightnix("ls", shop.exps[0], "sub/inner", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (0, "-  3 B  \\xe9.txt\n")


def test_names_are_escaped_in_a_pipe_too(shop: Shop) -> None:
    assert r"we\nird\x1b[31m" in pylightnix("ls", shop.exps[0]).stdout


def test_cd_to_the_path_of_a_name(shop: Shop) -> None:
    line = f'cd "$({sys.executable} -m pylightnix path report)" && ls'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert done.stdout == "report.txt\n"


def loaded_by(*words: str) -> set[str]:
    probe = (
        "import sys; before = set(sys.modules)\n"
        f"from {cli_name} import main; main({list(words)!r})\n"
        "print('loaded', *set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded")[2].split())


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["rm", "--help"],
        ["root", "add", "--help"],
        ["gc", "--keep-last", "x"],
        ["bogus"],
    ],
)
def test_what_needs_no_store_loads_nothing_of_it(words: list[str]) -> None:
    loaded = loaded_by(*words)
    assert f"{cli_name}.parser" in loaded
    strange = {"pathlib", "inspect", "dataclasses", "json", "datetime", "subprocess", "shutil"}
    assert strange & loaded == set()
    assert not [name for name in loaded if name.startswith(f"{cli_name}.cmd_")]
    assert not [name for name in loaded if name.startswith("pylightnix.store")]


def test_only_the_family_of_the_command_is_loaded(shop: Shop) -> None:
    loaded = loaded_by("find")
    assert {name for name in loaded if ".cmd_" in name} == {f"{cli_name}.cmd_list"}


def test_the_store_may_be_on_a_read_only_mount(
    own_shop: Shop, nonroot: None, tmp_path: Path
) -> None:
    for at, folders, _ in os.walk(own_shop.store.var):
        for folder in folders:
            os.chmod(f"{at}/{folder}", 0o555)
    os.chmod(own_shop.store.objects, 0o555)
    assert pylightnix("ls").returncode == 0
    assert pylightnix("cat", "report", "report.txt").stdout == "score 3\n"
