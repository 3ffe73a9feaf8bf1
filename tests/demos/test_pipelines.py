"""Every word of the language of pipelines has its line in the reference, and an example."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from pylightnix import Store, pipelines
from pylightnix.pipelines.catalogue import PARSERS, STEPS
from pylightnix.pipelines.language import STEP_KEYS

pytestmark = pytest.mark.skipif(
    find_spec("yaml") is None, reason="PyYAML is not installed: pip install 'pylightnix[pipelines]'"
)

ROOT = Path(__file__).parents[2]
DEMOS = ROOT / "demos" / "pipelines"
NAMES = sorted(path.stem for path in DEMOS.glob("*.yaml"))
LACKING = [each for each in ("uv", "bson") if find_spec(each) is None]
PAGE = (ROOT / "docs" / "reference" / "pipelines.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\(\.\./\.\./demos/pipelines/([\w-]+)\.yaml\)", PAGE)


def comments(text: str, mark: str) -> list[str]:
    return [line.removeprefix(mark) for line in text.splitlines() if line.startswith(mark)]


@pytest.mark.parametrize("name", NAMES)
def test_an_example_prints_what_it_says(
    name: str,
    tmp_path: Path,
    current: Store,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if name == "env-uses" and LACKING:
        pytest.skip(f"pods need {LACKING}: pip install pylightnix[pods]")
    folder = tmp_path / "here"
    shutil.copytree(DEMOS, folder)
    monkeypatch.chdir(folder)
    text = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    (words,) = comments(text, "# args: ") or [""]
    args = [words] if words.startswith("{") else words.split()
    why = comments(text, "# fails: ")
    if why:
        with pytest.raises(pipelines.StepFailed, match=why[0]):
            pipelines.run(name, args)
    else:
        pipelines.run(name, args)
    assert capfd.readouterr().out.splitlines() == comments(text, "#> ")


def test_every_example_has_its_line_and_every_line_its_example() -> None:
    assert sorted(set(LINKS)) == NAMES


@pytest.mark.parametrize("word", [*STEPS, *STEP_KEYS, *PARSERS, "!py", "!sic", "!jsonify"])
def test_every_word_is_in_the_reference(word: str) -> None:
    assert re.search(rf"^\| `{re.escape(word)}`", PAGE, re.MULTILINE)
