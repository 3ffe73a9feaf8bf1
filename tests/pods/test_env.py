"""An environment is an object of the store: pinned, the same everywhere, and usable anywhere."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pylightnix import BuildFailed, InvalidValue, Store, instantiate, realize, rref2path
from pylightnix.pods import (
    NoInterpreter,
    NoPod,
    NotAPod,
    Unlockable,
    pod,
    pod_env,
    pod_lock,
    pod_open,
)
from pylightnix.pods.interpreter import find_interpreter
from wheels_for_tests import sdist

SOURCE = """\
import greet
from helper import shout
from pods.textkit.helper import whisper


def version():
    return greet.VERSION
"""
HELPER = """\
def shout(text):
    return text.upper()


def whisper(text):
    return text.lower()
"""


@pytest.fixture
def textkit(tmp_path: Path) -> Path:
    folder = tmp_path / "textkit"
    folder.mkdir()
    (folder / "pod.py").write_text(SOURCE)
    (folder / "helper.py").write_text(HELPER)
    return folder


def entries(top: Path) -> dict[str, tuple[str, bytes]]:
    """Every entry below a folder: its kind, and its contents or target."""
    found: dict[str, tuple[str, bytes]] = {}
    for path in sorted(top.rglob("*")):
        name = path.relative_to(top).as_posix()
        if name.split("/")[0] == ".pylightnix":
            continue
        if path.is_symlink():
            found[name] = ("link", os.readlink(path).encode())
        elif path.is_file():
            found[name] = ("file", path.read_bytes())
        else:
            found[name] = ("folder", b"")
    return found


def test_a_lock_pins_versions_and_hashes(current: Store, wheels: Path) -> None:
    rref = realize(instantiate(pod_lock(["needy"], find_links=wheels)))
    text = (rref2path(rref) / "requirements.lock").read_text()
    assert "greet==1.0" in text and "needy==1.0" in text and text.count("--hash=sha256:") == 2
    assert str(wheels) not in text


def test_the_order_of_requirements_and_comments_do_not_count(wheels: Path, current: Store) -> None:
    one = instantiate(pod_lock("needy\ngreet  # for tests\n\n# nothing\n", find_links=wheels))
    other = instantiate(pod_lock(["greet", "needy"], find_links=wheels))
    assert one.targets == other.targets


@pytest.mark.parametrize(
    ("asked", "words"),
    [("greet>>1", "no such comparison operator"), ("greet>7", "unsatisfiable")],
)
def test_what_cannot_be_locked_is_an_error_in_the_words_of_uv(
    asked: str, words: str, current: Store, wheels: Path
) -> None:
    with pytest.raises(BuildFailed, match=words) as caught:
        realize(instantiate(pod_lock([asked], find_links=wheels)))
    assert isinstance(caught.value.__cause__, Unlockable)
    assert caught.value.__cause__.requirements == (asked,)


def test_options_are_no_requirements() -> None:
    with pytest.raises(InvalidValue, match="--index-url"):
        pod_lock(["--index-url=somewhere", "greet"])


@pytest.mark.parametrize("by_place", [False, True])
def test_where_only_wheels_are_wanted_no_source_is_built(
    by_place: bool, current: Store, tmp_path: Path
) -> None:
    marker = tmp_path / "was-built"
    path = sdist(tmp_path / "sources", marker)
    asked = [f"builds @ {path.as_uri()}" if by_place else "builds"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = f"{asked[0] if by_place else 'builds==1.0'} --hash=sha256:{digest}\n"
    for wanted in (asked, lock):
        with pytest.raises(BuildFailed):
            realize(instantiate(pod_env(wanted, find_links=path.parent, wheels_only=True)))
        assert not marker.exists()
    with pytest.raises(BuildFailed):
        realize(instantiate(pod_env(asked, find_links=path.parent)))
    assert marker.exists()


def test_an_environment_built_at_two_paths_is_the_same_to_the_byte(
    tmp_path: Path, wheels: Path
) -> None:
    made = []
    for name in ("one", "another/and/longer"):
        there = shutil.copytree(wheels, tmp_path / f"{name}-wheels")  # other dates, another path
        for path in there.iterdir():
            os.utime(path, (1, 1))
        store = Store.open(tmp_path / name, create=True, durability="none")
        env = pod_env(["needy"], find_links=there)
        made.append(realize(instantiate(env, store=store)))
        top = rref2path(made[-1], store)
        seen = entries(top)
        assert any(inside.endswith(".pyc") for inside in seen)
        assert not [p for p, (_, data) in seen.items() if str(tmp_path).encode() in data]
    assert made[0] == made[1]  # a realization's name is the hash of all its entries


def test_a_lock_is_what_an_environment_depends_on(current: Store, wheels: Path) -> None:
    lock = pod_lock(["needy"], find_links=wheels)
    text = (rref2path(realize(instantiate(lock))) / "requirements.lock").read_text()
    by_stage = realize(instantiate(pod_env(lock, find_links=wheels)))
    by_text = realize(instantiate(pod_env(text, find_links=wheels)))
    assert entries(rref2path(by_stage)) == entries(rref2path(by_text))


def test_nothing_in_an_environment_is_shared_with_a_cache(current: Store, wheels: Path) -> None:
    top = rref2path(realize(instantiate(pod_env(["needy"], find_links=wheels))))
    shared = [p for p in top.rglob("site-packages/**/*.py") if p.stat().st_nlink > 1]
    assert shared == []


def test_a_pod_runs_what_its_environment_has(current: Store, wheels: Path, textkit: Path) -> None:
    env = pod_env(["greet<2"], find_links=wheels)
    with pod_open(pod(textkit, env)) as opened:
        assert opened.version() == "1.0"
        assert (opened.shout("a"), opened.whisper("A")) == ("A", "a")
    rref = realize(instantiate(pod(textkit, env)))
    for way in (
        rref,
        instantiate(pod(textkit, env)),
        pod(textkit, pod_env("greet<2", None, wheels)),
    ):
        with pod_open(way) as opened:
            assert opened.version() == "1.0"
    with pod_open(pod(textkit, pod_env(["greet"], find_links=wheels))) as opened:
        assert opened.version() == "2.0"


def test_using_a_pod_changes_nothing_in_the_store(
    current: Store, wheels: Path, textkit: Path
) -> None:
    rref = realize(instantiate(pod(textkit, pod_env(["greet<2"], find_links=wheels))))
    before = entries(Path(current.objects))
    with pod_open(rref) as opened:
        opened.version()
    after = entries(Path(current.objects))
    assert {name for name in after if name not in before and "pod-agent" not in name} == set()


def test_an_environment_that_was_synced_and_moved_runs(
    tmp_path: Path, wheels: Path, textkit: Path
) -> None:
    if shutil.which("rsync") is None:
        pytest.skip("rsync is not here (Debian: rsync)")
    store = Store.open(tmp_path / "first", create=True, durability="none")
    rref = realize(instantiate(pod(textkit, pod_env(["greet<2"], find_links=wheels)), store=store))
    moved = Store.open(tmp_path / "second" / "place", create=True, durability="none")
    subprocess.run(["rsync", "-a", f"{store.objects}/", f"{moved.objects}/"], check=True)
    os.rename(tmp_path / "first", tmp_path / "gone")
    os.rename(wheels, tmp_path / "gone-too")
    with pod_open(rref, store=moved) as opened:
        assert opened.version() == "1.0"
        assert opened.shout("b") == "B"


def test_a_changed_source_is_another_pod(current: Store, wheels: Path, textkit: Path) -> None:
    env = pod_env([])
    first = instantiate(pod(textkit, env)).targets
    (textkit / "__pycache__").mkdir()
    (textkit / "__pycache__" / "helper.pyc").write_bytes(b"x")
    assert instantiate(pod(textkit, env)).targets == first
    (textkit / "helper.py").write_text(HELPER + "\n")
    assert instantiate(pod(textkit, env)).targets != first


def test_what_is_no_pod_is_refused(current: Store, tmp_path: Path) -> None:
    with pytest.raises(NoPod, match=r"there is no pod\.py"):
        instantiate(pod(tmp_path, name="empty"))
    with pytest.raises(NoPod, match="no identifier"):
        pod(tmp_path / "not-a-name")
        instantiate(pod(tmp_path / "not-a-name"))
    with pytest.raises(NotAPod):
        pod_open(7)  # type: ignore[arg-type]
    rref = realize(instantiate(pod_env([])))
    with pytest.raises(NotAPod):
        pod_open(rref)


def test_a_python_that_is_not_here_is_named(current: Store) -> None:
    with pytest.raises(NoInterpreter, match=r"3\.99"):
        instantiate(pod_env([], python="3.99"))
    with pytest.raises(NoInterpreter, match="/no/such/python"):
        find_interpreter("/no/such/python")


@pytest.mark.parametrize(
    ("bson", "words"),
    [
        ("def dumps(x): ...", "another package of the name `bson`"),
        ("raise ImportError('gone')", "gone"),
    ],
)
def test_another_package_of_the_name_bson_is_told_apart(
    bson: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "bson.py").write_text(bson + "\n")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from pylightnix.pods.codec import codec\n"
        "from pylightnix.pods import NoExtra\n"
        "try:\n    codec()\nexcept NoExtra as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert words in done.stdout and "Install pylightnix[pods]" in done.stdout, done.stderr
