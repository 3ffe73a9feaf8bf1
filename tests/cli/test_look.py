from __future__ import annotations

import base64
import hashlib
import io
import os
import re
from typing import Any

import pytest

from cli.shop import WEIRD, Run, Shop
from pylightnix.cli import main

DATA = bytes(range(256)) * 8


def test_ls_lists_derivations_by_name_in_aligned_columns(shop: Shop, run: Run) -> None:
    done = run("ls")
    assert done.status == 0
    assert [line.split()[:2] for line in done.lines] == [
        ["bad", shop.bad[5:13]],
        ["exp", shop.exp[5:13]],
        ["report", shop.report_drv[5:13]],
    ]
    assert [re.search(r"\d realizations?", line).group() for line in done.lines] == [  # type: ignore[union-attr]
        "0 realizations",
        "3 realizations",
        "1 realization",
    ]
    assert [line.endswith(" ago") for line in done.lines] == [False, True, True]


def test_ls_tells_programs_the_same(shop: Shop, run: Run) -> None:
    listed = run("ls", "--json").json
    assert [item["dref"] for item in listed] == [shop.bad, shop.exp, shop.report_drv]
    assert [item["name"] for item in listed] == ["bad", "exp", "report"]
    assert [item["realizations"] for item in listed] == [0, 3, 1]
    assert listed[0]["newest"] is None
    assert listed[1]["size_bytes"] == run("du", "exp", "--json").json["bytes"]


def test_ls_of_an_empty_store_prints_nothing(nowhere: object, run: Run) -> None:
    run("init")
    assert (run("ls").out, run("ls", "--json").json) == ("", [])


def test_ls_of_a_derivation_lists_its_realizations_the_newest_first(shop: Shop, run: Run) -> None:
    done = run("ls", "exp")
    assert [line.split()[0] for line in done.lines] == [rref[5:13] for rref in shop.exps[::-1]]
    assert all(
        re.fullmatch(r"\w{8}  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+\.\d{3} s +\d+\.\d KiB", line)
        for line in done.lines
    )


def test_ls_of_a_derivation_tells_programs_the_same(shop: Shop, run: Run) -> None:
    listed = run("ls", shop.exp, "--json").json
    assert [item["rref"] for item in listed] == list(shop.exps[::-1])
    assert set(listed[0]) == {"rref", "seconds", "size_bytes", "start", "stop"}
    assert listed[0]["stop"] > listed[1]["stop"] > listed[2]["stop"]
    assert listed[0]["seconds"] < 60


def test_a_realization_whose_provenance_was_lost_is_listed_last(own_shop: Shop, run: Run) -> None:
    meta = f"{own_shop.folder(own_shop.exps[2])}/.pylightnix"
    os.chmod(meta, 0o755)
    os.unlink(f"{meta}/build.json")
    assert run("ls", "exp").lines[-1].split()[:3] == [own_shop.exps[2][5:13], "-", "-"]
    last = run("ls", "exp", "--json").json[-1]
    assert (last["start"], last["stop"], last["seconds"]) == (None, None, None)
    assert "nobody knows" in run("show", own_shop.exps[2]).out
    assert run("show", own_shop.exps[2], "--json").json["portable"] is None


def test_ls_of_a_realization_shows_its_artifacts_with_their_marks(shop: Shop, run: Run) -> None:
    assert run("ls", shop.exps[0]).lines == [
        "-  2.0 KiB  data.bin",
        "x     10 B  run.sh",
        "-      2 B  score.txt",
        "d           sub",
        r"-      1 B  we\nird\x1b[31m",
    ]


@pytest.mark.parametrize("path", ["sub", "sub/", "./sub"])
def test_ls_of_a_folder_inside(path: str, shop: Shop, run: Run) -> None:
    assert run("ls", shop.exps[0], path).lines == ["d    inner", "l    latest -> inner/é.txt"]


def test_ls_of_a_file_inside_shows_it(shop: Shop, run: Run) -> None:
    assert run("ls", shop.exps[0], "sub/inner/é.txt").lines == ["-  3 B  é.txt"]


def test_ls_with_a_path_takes_the_only_realization_of_a_derivation(shop: Shop, run: Run) -> None:
    assert run("ls", "report", "").lines == run("ls", shop.report).lines == ["-  8 B  report.txt"]
    assert run("ls", "exp", "sub").status == 1


def test_ls_of_a_realization_tells_programs_the_same(shop: Shop, run: Run) -> None:
    top = run("ls", shop.exps[0], "--json").json
    assert top[0] == {
        "kind": "f",
        "path": "data.bin",
        "sha256": hashlib.sha256(DATA).hexdigest(),
        "size_bytes": len(DATA),
        "target": None,
    }
    assert [item["path"] for item in top][-1] == WEIRD
    assert [item["kind"] for item in top] == ["f", "x", "f", "d", "f"]
    link = run("ls", shop.exps[0], "sub", "--json").json[1]
    assert (link["path"], link["target"]) == ("sub/latest", "inner/é.txt")


@pytest.mark.parametrize("command", ["ls", "cat", "path"])
@pytest.mark.parametrize(
    ("path", "status"),
    [("gone", 3), ("sub/gone", 3), ("score.txt/x", 3), ("../x", 2), ("/etc/passwd", 2)],
)
def test_a_path_that_is_not_there_and_one_that_leads_out(
    path: str, status: int, command: str, shop: Shop, run: Run
) -> None:
    done = run(command, shop.exps[0], path)
    assert (done.status, done.out) == (status, "")
    assert path in done.err


def test_cat_writes_bytes_as_they_are(
    shop: Shop, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["cat", shop.exps[0], "data.bin"]) == 0
    assert capsysbinary.readouterr().out == DATA


class Drop(io.RawIOBase):
    """A stream without a buffer that takes a hundred bytes at a time."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.taken += bytes(data[:100])
        return min(100, len(data))


def test_cat_writes_all_where_a_stream_takes_less_at_a_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = Drop()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(drop, write_through=True))  # type: ignore[type-var]
    assert main(["cat", shop.exps[0], "data.bin"]) == 0
    assert drop.taken == DATA


def test_cat_takes_the_only_realization_of_a_derivation(shop: Shop, run: Run) -> None:
    assert run("cat", "report", "report.txt").out == "score 3\n"


def test_cat_follows_a_link(shop: Shop, run: Run) -> None:
    assert run("cat", shop.exps[0], "sub/latest").out == "é\n"


def test_cat_gives_programs_text_as_text_and_the_rest_as_base64(shop: Shop, run: Run) -> None:
    text = run("cat", shop.exps[0], "./sub/inner/é.txt", "--json").json
    assert text == {
        "content": "é\n",
        "encoding": "utf-8",
        "path": "sub/inner/é.txt",
        "rref": shop.exps[0],
        "size_bytes": 3,
    }
    data = run("cat", shop.exps[0], "data.bin", "--json").json
    assert data["encoding"] == "base64"
    assert base64.b64decode(data["content"]) == DATA


@pytest.mark.parametrize("path", ["sub", ".", "sub/inner/"])
def test_cat_of_a_folder_says_what_to_do(path: str, shop: Shop, run: Run) -> None:
    done = run("cat", shop.exps[0], path)
    assert done.status == 1
    assert "is a folder: list it with `pylightnix ls`" in done.err


def test_path_prints_a_folder_to_go_to(shop: Shop, run: Run) -> None:
    assert run("path", shop.exps[1]).out == shop.folder(shop.exps[1]) + "\n"
    assert run("path", "report").out == shop.folder(shop.report) + "\n"
    assert run("path", "report", "report.txt").out == f"{shop.folder(shop.report)}/report.txt\n"
    assert run("path", "report", "--json").json == {
        "path": shop.folder(shop.report),
        "ref": shop.report,
    }


@pytest.mark.parametrize("ref", ["exp", "bad"])
def test_path_prints_the_folder_of_a_derivation_when_asked(ref: str, shop: Shop, run: Run) -> None:
    dref = {"exp": shop.exp, "bad": shop.bad}[ref]
    assert run("path", ref, "--derivation").out == shop.folder(dref) + "\n"
    assert run("path", "--derivation", dref, "config.json").status == 0


def test_path_of_a_realization_s_derivation(shop: Shop, run: Run) -> None:
    assert run("path", shop.report, "--derivation").lines == [shop.folder(shop.report_drv)]


def test_path_of_a_name_is_given_as_it_is_and_not_escaped(shop: Shop, run: Run) -> None:
    assert run("path", shop.exps[0], WEIRD).out == f"{shop.folder(shop.exps[0])}/{WEIRD}\n"


def test_find_prints_all_realizations(shop: Shop, run: Run) -> None:
    done = run("find")
    assert done.status == 0
    assert done.lines == run("find", "--json").json
    assert set(done.lines) == {*shop.exps, shop.report}


def test_find_takes_a_pattern_for_the_name(shop: Shop, run: Run) -> None:
    assert run("find", "rep*").lines == [shop.report]
    assert run("find", "zzz*").status == 0
    assert run("find", "zzz*").out == ""


def test_find_takes_a_time(shop: Shop, run: Run) -> None:
    assert len(run("find", "--newer", "1h").lines) == 4
    assert len(run("find", "--newer", "2026-01-01").lines) == 4
    assert len(run("find", "--newer", "1960-01-01").lines) == 4
    assert run("find", "--newer", "0").lines == []
    assert run("find", "--newer", "2999-01-01", "--json").json == []


def test_find_refuses_what_is_no_time(shop: Shop, run: Run) -> None:
    done = run("find", "--newer", "tomorrow")
    assert (done.status, done.out) == (2, "")
    assert "'tomorrow' is not a time" in done.err
