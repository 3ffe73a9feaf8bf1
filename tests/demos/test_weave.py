"""Weaving a document whose chunk raises is a failure, although Pweave calls it a success."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROSE = {"type": "doc", "content": "A Traceback is what you get.", "number": 1}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("weave", ROOT / "demos" / "weave.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


weave = load()


def chunk(*outputs: Mapping[str, Any]) -> dict[str, Any]:
    """A chunk as Pweave leaves it."""
    return {"type": "code", "number": 2, "start_line": 9, "result": list(outputs)}


PRINTED = {"output_type": "stream", "name": "stdout", "text": "well\n"}
SHOWN = {"output_type": "execute_result", "data": {"text/plain": "4"}}
RAISED = {"output_type": "error", "ename": "KeyError", "evalue": "'x'", "traceback": ["..."]}
SKIPPED = {"type": "code", "number": 3, "start_line": 12, "result": ""}


def test_a_document_that_prints_and_shows_is_well() -> None:
    assert weave.raised([PROSE, chunk(PRINTED, SHOWN), SKIPPED], "A Traceback is what") == []


def test_a_chunk_that_raises_is_named_even_where_its_output_is_hidden() -> None:
    assert weave.raised([PROSE, chunk(PRINTED, RAISED)], "") == [
        "chunk 2, which ends at line 9: KeyError: 'x'"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "Traceback (most recent call last):",
        "ZeroDivisionError      Traceback (most recent call last)",
        "\x1b[0;31mKeyError\x1b[0m  Traceback (most recent call last)",
        "  Cell In[1], line 1",
        '  File "<stdin>", line 3',
    ],
)
def test_an_exception_in_the_middle_of_prose_is_seen_in_the_text(line: str) -> None:
    assert len(weave.raised([PROSE], f"It is\n{line}\nso\n")) == 1


def test_what_is_missing_for_a_document_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELLO_TARBALL", "/nowhere/hello.tar.gz")
    assert "there is no /nowhere/hello.tar.gz: set HELLO_TARBALL" in weave.hello_lacks()


def test_a_mirror_serves_its_folder(tmp_path: Path) -> None:
    from urllib.request import urlopen

    (tmp_path / "file").write_bytes(b"contents")
    with weave.mirror(tmp_path) as url, urlopen(f"{url}/file") as answer:
        assert answer.read() == b"contents"


DOCUMENT = """A page.

```python
print(6 * 7)
```

```python, results="hidden"
{code}
```
"""


@pytest.fixture(scope="module")
def weaver() -> str:
    """An interpreter that has Pweave."""
    for python in (sys.executable, str(ROOT / ".venv-demos" / "bin" / "python")):
        probe = [
            python,
            "-c",
            "import importlib.util as u, sys; sys.exit(not u.find_spec('pweave'))",
        ]
        if Path(python).exists() and subprocess.run(probe, check=False).returncode == 0:
            return python
    pytest.skip("Pweave is not installed: `make demos` makes an environment that has it")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "wrong"), [("x = 1", ""), ("1 / 0", "ZeroDivisionError"), ("x = = 1", "SyntaxError")]
)
def test_pweave_tells_us_of_the_chunk_that_raised(
    code: str, wrong: str, weaver: str, tmp_path: Path
) -> None:
    document = tmp_path / "page.pmd"
    document.write_text(DOCUMENT.format(code=code))
    program = (
        "import json, pathlib, sys; sys.path.insert(0, sys.argv[1]); import weave; "
        "print(json.dumps(weave.weave(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))))"
    )
    done = subprocess.run(
        [weaver, "-c", program, ROOT / "demos", document, tmp_path / "out"],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "IPYTHONDIR": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert [wrong in line for line in told] == ([True] if wrong else [])
    assert "42" in (tmp_path / "out" / "page.md").read_text()
    assert os.listdir(tmp_path / "out") == ["page.md"]
