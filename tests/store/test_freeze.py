"""What leaves `freeze_tree` is canonical, and nobody can still write to it."""

from __future__ import annotations

import mmap
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylightnix import InvalidOutput, Store
from pylightnix.store import filehash, freeze
from pylightnix.store.freeze import MAX_DEPTH, freeze_tree, leads_out
from stages_for_tests import Link, Program, below, nested, plant, put

YEAR_2000 = 946684800


def kinds(folder: Path) -> dict[str, str]:
    """Freeze a folder; path -> kind."""
    return {entry[0]: entry[1] for entry in freeze_tree(str(folder)).entries}


def test_files_and_folders_become_read_only_and_keep_the_x_bit(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x", "bin/run": Program(), "empty": None})
    (top / "a").chmod(0o666)
    (top / "bin/run").chmod(0o701)
    assert kinds(top) == {"a": "f", "bin": "d", "bin/run": "x", "empty": "d"}
    modes = {name: stat.S_IMODE((top / name).stat().st_mode) for name in below(top)}
    assert modes == {"a": 0o444, "bin": 0o555, "bin/run": 0o555, "empty": 0o555}


def test_everything_is_dated_to_the_year_2000(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x", "d/b": "y", "l": Link("a")})
    freeze_tree(str(top))
    assert {(top / name).lstat().st_mtime_ns for name in below(top)} == {YEAR_2000 * 10**9}


def test_setuid_setgid_and_sticky_bits_are_dropped(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": Program(), "d": None})
    (top / "a").chmod(0o6755)
    (top / "d").chmod(0o1777)
    freeze_tree(str(top))
    assert stat.S_IMODE((top / "a").stat().st_mode) == 0o555
    assert stat.S_IMODE((top / "d").stat().st_mode) == 0o555


def attributed(path: Path) -> None:
    """Set an extended attribute, or skip where that cannot be."""
    try:
        os.setxattr(path, "user.colour", b"red")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error.strerror}")


@pytest.mark.parametrize("name", ["a", "d"])
def test_extended_attributes_are_dropped(name: str, tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x", "d": None})
    attributed(top / name)
    freeze_tree(str(top))
    assert "user.colour" not in os.listxattr(top / name)


def test_an_attribute_of_the_system_stays_and_a_capability_that_cannot_be_taken_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(tmp_path / "t", {"a": "x"})

    def refuse(fd: int, name: str) -> None:
        raise PermissionError(1, "no", name)

    monkeypatch.setattr(os, "removexattr", refuse)
    monkeypatch.setattr(os, "listxattr", lambda fd: ["security.selinux"])
    assert kinds(top) == {"a": "f"}
    monkeypatch.setattr(os, "listxattr", lambda fd: ["security.capability"])
    with pytest.raises(PermissionError):
        freeze_tree(str(top))


def test_a_file_system_without_attributes_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(fd: int) -> list[str]:
        raise OSError(95, "not supported")

    monkeypatch.setattr(os, "listxattr", unsupported)
    assert kinds(plant(tmp_path / "t", {"a": "x"})) == {"a": "f"}


def test_a_hard_link_gets_an_inode_of_its_own(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("theirs")
    outside.chmod(0o640)
    top = plant(tmp_path / "t", {})
    os.link(outside, top / "a")
    os.link(outside, top / "b")
    freeze_tree(str(top))
    assert len({p.stat().st_ino for p in (outside, top / "a", top / "b")}) == 3
    assert stat.S_IMODE(outside.stat().st_mode) == 0o640
    outside.write_text("changed later")
    assert (top / "a").read_text() == (top / "b").read_text() == "theirs"


def test_an_executable_hard_link_stays_executable_and_nothing_else_appears(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": Program("big" * 1000)})
    os.link(top / "a", top / "b")
    assert kinds(top) == {"a": "x", "b": "x"}
    assert below(top) == ["a", "b"]


def leases_work(folder: Path) -> bool:
    path = folder / "probe"
    path.write_text("x")
    writer, reader = os.open(path, os.O_WRONLY), os.open(path, os.O_RDONLY)
    try:
        return freeze._open_for_writing(reader)
    finally:
        os.close(writer)
        os.close(reader)


def test_who_still_holds_a_file_open_for_writing_does_not_reach_the_store(tmp_path: Path) -> None:
    if not leases_work(tmp_path):
        pytest.skip("this kernel or file system tells nobody who writes to a file (no leases)")
    top = plant(tmp_path / "t", {"a": "before"})
    with (top / "a").open("r+") as writer:
        [entry] = freeze_tree(str(top)).entries
        writer.write("after!")
    assert (top / "a").read_text() == "before"
    assert entry[:3] == ("a", "f", 6)


def test_who_still_has_a_file_mapped_does_not_reach_the_store(tmp_path: Path) -> None:
    if not leases_work(tmp_path):
        pytest.skip("this kernel or file system tells nobody who writes to a file (no leases)")
    top = plant(tmp_path / "t", {"a": "before"})
    with (top / "a").open("r+b") as file:
        view = mmap.mmap(file.fileno(), 0)
    freeze_tree(str(top))
    view[:6] = b"after!"
    view.close()
    assert (top / "a").read_text() == "before"


def test_a_file_that_nobody_holds_stays_where_it_is(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x"})
    before = (top / "a").stat().st_ino
    freeze_tree(str(top))
    assert (top / "a").stat().st_ino == before


def test_a_copy_that_fails_is_an_error_and_the_file_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(tmp_path / "t", {"a": "x"})
    os.link(top / "a", tmp_path / "other")

    def full(*args: object) -> int:
        raise OSError(28, "no space")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="no space"):
        freeze_tree(str(top))
    assert (top / "a").read_text() == "x"


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    # A socket's address is at most 108 bytes long: bind it by a short name.
    with socket.socket(socket.AF_UNIX) as made:
        here = os.getcwd()
        os.chdir(path.parent)
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root may make devices")


@pytest.mark.parametrize("make", [make_fifo, make_socket, make_device])
def test_a_special_file_is_refused_by_its_path(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    top = plant(tmp_path / "t", {"a": "x", "deep": None})
    make(top / "deep" / "odd")
    with pytest.raises(InvalidOutput, match=r"'deep/odd'.*only files, folders and symlinks"):
        freeze_tree(str(top))


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {})
    (top / os.fsdecode(b"\xff\xfe")).write_text("x")
    with pytest.raises(InvalidOutput, match="not UTF-8") as caught:
        freeze_tree(str(top))
    str(caught.value).encode()  # the text can be printed


def test_a_link_whose_target_is_not_utf8_is_refused(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"l": Link(os.fsdecode(b"\xff"))})
    with pytest.raises(InvalidOutput, match=r"'l'.*target is not UTF-8"):
        freeze_tree(str(top))


def test_the_reserved_name_is_refused_at_the_top_and_fine_below(tmp_path: Path) -> None:
    assert kinds(plant(tmp_path / "a", {"d/.pylightnix": "mine"}))["d/.pylightnix"] == "f"
    for i, reserved in enumerate((".pylightnix", ".pylightnix/manifest.json")):
        top = plant(tmp_path / f"b{i}", {reserved: "x"})
        with pytest.raises(InvalidOutput, match="reserved"):
            freeze_tree(str(top))


def test_a_tree_that_is_too_deep_is_refused_and_the_deepest_allowed_is_not(tmp_path: Path) -> None:
    for depth, fits in ((MAX_DEPTH, True), (MAX_DEPTH + 1, False)):
        top = plant(tmp_path / str(depth), {})
        with nested(top, depth):
            if fits:
                assert len(freeze_tree(str(top)).entries) == depth
            else:
                with pytest.raises(InvalidOutput, match=f"deeper than {MAX_DEPTH}"):
                    freeze_tree(str(top))


def test_only_a_folder_can_be_frozen(tmp_path: Path) -> None:
    plant(tmp_path, {"file": "x", "real/a": "x", "link": Link("real")})
    for name in ("file", "link", "nothing"):
        with pytest.raises(InvalidOutput, match="expected a folder"):
            freeze_tree(str(tmp_path / name))


def test_a_link_is_recorded_by_its_text_and_not_followed(tmp_path: Path) -> None:
    outside = plant(tmp_path / "outside", {"f": "theirs", "d/g": "theirs"})
    (outside / "d").chmod(0o755)
    (outside / "f").chmod(0o664)
    links = {
        "dangling": "nowhere",
        "file": "../outside/f",
        "folder": "../outside/d",
        "self": "self",
    }
    top = plant(tmp_path / "t", {name: Link(target) for name, target in links.items()})
    found = freeze_tree(str(top))
    assert sorted(found.entries) == [(name, "l", links[name]) for name in sorted(links)]
    assert found.size_bytes == 0
    assert stat.S_IMODE((outside / "d").stat().st_mode) == 0o755
    assert stat.S_IMODE((outside / "f").stat().st_mode) == 0o664
    assert (outside / "f").stat().st_mtime > YEAR_2000


def test_what_the_builder_made_unreadable_is_stored_all_the_same(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x", "d/b": "y", "d/e/c": "z"})
    for name, mode in {"d/e/c": 0, "d/e": 0o100, "d/b": 0o200, "d": 0, "a": 0}.items():
        (top / name).chmod(mode)
    assert kinds(top) == {"a": "f", "d": "d", "d/b": "f", "d/e": "d", "d/e/c": "f"}
    assert (top / "d/e/c").read_text() == "z"


def test_an_output_folder_that_was_made_unreadable_is_stored_all_the_same(tmp_path: Path) -> None:
    top = plant(tmp_path / "t", {"a": "x"})
    top.chmod(0)
    assert kinds(top) == {"a": "f"}


def test_what_cannot_be_opened_is_opened_up_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a user who is not root, whoever runs this."""
    top = plant(tmp_path / "t", {"a": "x", "d/b": "y"})
    shut = {"a", "d"}
    real = os.open

    def refusing(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        name = os.path.basename(path)
        if name in shut and not flags & os.O_PATH:
            shut.remove(name)
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    assert kinds(top) == {"a": "f", "d": "d", "d/b": "f"}
    assert shut == set()


def test_a_size_that_changes_while_the_file_is_read_is_counted_as_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    fd = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        for hint in (0, 3, 5, 9, filehash.CHUNK):
            os.lseek(fd, 0, os.SEEK_SET)
            assert filehash.hash_open(fd, hint)[1] == 5
    finally:
        os.close(fd)


def test_large_files_are_hashed_in_a_stream(tmp_path: Path) -> None:
    from hashlib import sha256

    data = os.urandom(filehash.CHUNK) * 2 + b"end"
    top = plant(tmp_path / "t", {"big": data})
    assert freeze_tree(str(top)).entries == [("big", "f", len(data), sha256(data).hexdigest())]


def test_a_file_that_turns_into_something_else_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(tmp_path / "t", {"a": "x"})
    real = freeze._opened

    def swapped(name: str, parent: int | None, flags: int, mode: int) -> int:
        (top / "a").unlink()
        os.mkfifo(top / "a")
        return real(name, parent, flags, mode)

    monkeypatch.setattr(freeze, "_opened", swapped)
    with pytest.raises(InvalidOutput, match="still running"):
        freeze_tree(str(top))


def remarks(folder: Path) -> list[str]:
    return freeze_tree(str(folder)).remarks


def test_names_that_differ_by_case_or_unicode_form_only_are_remarked(tmp_path: Path) -> None:
    if not case_matters(tmp_path):
        pytest.skip("this file system does not tell such names apart")
    assert remarks(plant(tmp_path / "a", {"x": "", "y": ""})) == []
    assert "differ only by case" in remarks(plant(tmp_path / "b", {"d/x": "", "d/X": ""}))[0]
    assert remarks(plant(tmp_path / "b2", {"d/x": "", "d/X": ""}))[0].startswith("d:")
    twins = {"\u00e9": "", "e\u0301": ""}
    assert remarks(plant(tmp_path / "c", twins))[0].startswith(".:")
    assert remarks(plant(tmp_path / "d", {"\u00e9": "", "a": ""})) == []


def case_matters(folder: Path) -> bool:
    (folder / "probe").touch()
    return not (folder / "PROBE").exists()


@pytest.mark.parametrize(
    ("path", "target", "out"),
    [
        ("a", "b", False),
        ("a", "/etc/passwd", True),
        ("a", "..", True),
        ("a", "../x", True),
        ("d/a", "..", False),
        ("d/a", "../x", False),
        ("d/a", "../../x", True),
        ("d/a", "././/../x", False),
        ("a", "b/../../x", True),
        ("a", "b/c/../../x", False),
        ("a", "", False),
    ],
)
def test_a_link_leads_out_by_its_text_alone(path: str, target: str, out: bool) -> None:
    assert leads_out(path, target) is out


PARTS = st.lists(st.sampled_from(["..", ".", "a", "b", ""]), min_size=1, max_size=6)


@given(PARTS, st.lists(st.sampled_from("ab"), min_size=1, max_size=4))
def test_leading_out_agrees_with_walking_step_by_step(target: list[str], path: list[str]) -> None:
    """As `os.path.normpath` sees it, for targets whose climbing comes first or not at all."""
    here: list[str] = path[:-1]
    escaped = False
    for part in target:
        if part == "..":
            if not here:
                escaped = True
                break
            here = here[:-1]
        elif part not in ("", "."):
            here = [*here, part]
    text = "/".join(target)
    expected = True if text.startswith("/") else escaped
    assert leads_out("/".join(path), text) is expected


def test_a_tree_that_does_not_travel_is_marked_with_the_reason(store: Store) -> None:
    import json

    def facts(tree: dict[str, str | Link]) -> dict[str, object]:
        rref = put(store, tree)
        path = Path(store.objects) / rref[38:] / rref[5:37] / ".pylightnix/build.json"
        value: dict[str, object] = json.loads(path.read_text())
        return value

    assert facts({"a": Link("b"), "b": "x"})["portable"] is True
    marked = facts({"a": Link("/etc/passwd")})
    assert marked["portable"] is False
    assert marked["portable_reason"] == ["a: a link that is absolute or leads out of the object"]


def test_flushing_reaches_every_file_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = plant(tmp_path / "t", {"a": "x", "d/b": "y", "l": Link("a")})
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: flushed.append(os.readlink(f"/proc/self/fd/{fd}")))
    freeze_tree(str(top), sync=True)
    real = os.path.realpath(top)
    assert sorted(flushed) == [f"{real}/a", f"{real}/d", f"{real}/d/b"]
    assert flushed.index(f"{real}/d/b") < flushed.index(f"{real}/d")
