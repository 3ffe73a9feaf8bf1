"""What the README and the how-tos tell people to type really runs."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from wheels_for_tests import wheel

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
HELLO_URL = "https://ftp.gnu.org/gnu/hello/hello-2.10.tar.gz"
HELLO_SHA256 = "31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b"


def blocks(heading: str) -> str:
    """All Python below a heading, as one program."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## )", README, re.MULTILINE | re.DOTALL)
    code = "\n".join(BLOCK.findall(section))
    assert code
    return code


def run(code: str, folder: Path, after: str = "") -> str:
    """Run it as a script, on a store that is not there yet; gives what it prints."""
    script = folder / "readme.py"
    script.write_text(f"{code}\n{after}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "PYLIGHTNIX_ROOT": str(folder / "root"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def little_hello(folder: Path) -> bytes:
    """Make a tarball with the shape of GNU Hello and none of its size; gives its bytes."""
    program = "#!/bin/sh\necho Hello, world!\n"
    makefile = "install:\n\tmkdir -p $(DESTDIR)/usr/bin\n\tcp hello $(DESTDIR)/usr/bin/hello\n"
    configure = '#!/bin/sh\ntest "$1" = --prefix=/usr\n'
    with tarfile.open(folder / "hello-2.10.tar.gz", "w:gz") as tar:
        for name, text in (("hello", program), ("Makefile", makefile), ("configure", configure)):
            info = tarfile.TarInfo(f"hello-2.10/{name}")
            info.size, info.mode = len(text), 0o644 if name == "Makefile" else 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return (folder / "hello-2.10.tar.gz").read_bytes()


def test_the_first_lines_print_what_the_comment_says(tmp_path: Path) -> None:
    assert run(blocks("Just use it"), tmp_path) == "Hello, store!\n"


def test_hello_is_downloaded_compiled_and_run_and_then_found(tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("there is no make here (Debian: make)")
    code = blocks("GNU Hello in two stages")
    digest = hashlib.sha256(little_hello(tmp_path)).hexdigest()
    assert code.count(HELLO_URL) == code.count(HELLO_SHA256) == 1
    near = (tmp_path / "hello-2.10.tar.gz").as_uri()
    code = code.replace(HELLO_URL, near).replace(HELLO_SHA256, digest)
    after = "from pylightnix import store_rrefs\nprint(store_rrefs(hello_bin) == [hello_rref])"
    assert run(code, tmp_path, after) == "Hello, world!\nTrue\n"


def test_a_function_is_a_stage_and_its_second_run_builds_nothing(tmp_path: Path) -> None:
    code = blocks("A function is a stage")
    after = (
        "from functools import partial\nfrom pylightnix import find, plan, table\n"
        "other = instantiate(report, best=partial(train, rate=0.2))\n"
        "scores = [row['score'] for row in table('train', metrics={'score': 'score.txt'})]\n"
        "print(len(find()), [i.verdict for i in plan(other).items], len(scores), result.best.rate)"
    )
    first, last = run(code, tmp_path, after).splitlines()
    assert re.fullmatch(r"With 0\.1 we reached 0\.\d+(e-\d+)?", first)
    assert last == "11 ['build', 'build'] 10 0.1"
    assert run(code, tmp_path).strip() == first


def test_the_report_follows_the_best_run(tmp_path: Path) -> None:
    after = (
        "scores = {rref: float(catref(rref, 'score.txt')[0]) for rref in find('train')}\n"
        "print(len(runs), len(scores), catref(second, 'report.txt')[0].split()[-1] == "
        "str(max(scores.values())))"
    )
    *told, last = run(blocks("A noisy experiment"), tmp_path, after).splitlines()
    assert re.fullmatch(r"We reached 0\.\d+(e-\d+)?", told[0])
    assert last == "10 11 True"


def test_the_how_to_builds_a_c_program(tmp_path: Path) -> None:
    missing = [program for program in ("cc", "make") if shutil.which(program) is None]
    if missing:
        pytest.skip(f"there is no {' and no '.join(missing)} here (Debian: gcc, make)")
    page = (ROOT / "docs" / "howto" / "build-a-c-program.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "demos" / "greet", tmp_path / "greet")
    program = run("\n".join(BLOCK.findall(page)), tmp_path).strip()
    told = subprocess.run([program, "reader"], capture_output=True, text=True, check=True).stdout
    assert told.startswith("Good day, reader.")


def test_two_versions_of_a_package_in_one_program_as_the_how_to_writes_them(tmp_path: Path) -> None:
    pytest.importorskip("uv")
    wheels = tmp_path / "wheels"
    for version, said in (("1.26", "1.0"), ("2.0", "np.float64(1.0)")):
        source = f"class float64(float):\n    def __repr__(self):\n        return '{said}'\n"
        wheel(wheels, "numpy", version, {"numpy/__init__.py": source})
    page = (ROOT / "docs" / "howto" / "pods.md").read_text(encoding="utf-8")
    (code,) = (block for block in BLOCK.findall(page) if "def compared" in block)
    code = code.replace('"])', f'"], find_links={str(wheels)!r})')
    first = "from pylightnix import store_initialize\nstore_initialize()\n"
    assert run(first + code, tmp_path) == "1.0 became np.float64(1.0)\n"
