"""Every link between the documents leads somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    p.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "demos/**/*.md", "changes/*.md")
    for p in ROOT.glob(pattern)
    if p.parent != ROOT / "demos" / "out"  # woven, by `make demos`
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.*?) *$", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchor(heading: str) -> str:
    """The name that the usual renderers give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def anchors(path: Path) -> frozenset[str]:
    fenced = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
    return frozenset(map(anchor, HEADING.findall(fenced.sub("", path.read_text(encoding="utf-8")))))


def dead_links(path: Path) -> list[str]:
    dead = []
    for link in LINK.findall(CODE.sub("", path.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (fragment and fragment not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    assert dead_links(ROOT / document) == []


def test_a_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` c!\n[x](gone.md) [y](page.md#a-b-c) [z](#d) [w](https://x.org/) `[v](v)`\n"
    )
    assert dead_links(page) == ["gone.md", "#d"]


def test_documents_were_found() -> None:
    assert "CONTRIBUTING.md" in DOCUMENTS
