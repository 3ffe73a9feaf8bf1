"""A browser without a window, and what it shows of a page."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LACKS = (
    "no browser: none of chromium, chromium-browser, google-chrome is here, nor one of playwright; "
    "`apt-get install chromium` brings one"
)


def browser() -> str:
    """Give a browser, or skip."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        cache = Path.home() / ".cache" / "ms-playwright"
        found = next(map(str, sorted(cache.glob("chromium-*/chrome-linux*/chrome"))), None)
    if found is None:
        pytest.skip(LACKS)
    return found


def screenshot(html: str, folder: Path, name: str, width: int = 760, height: int = 900) -> Path:
    """Show a piece of HTML and keep what is seen."""
    page, picture = folder / f"{name}.html", folder / f"{name}.png"
    head = '<!doctype html><meta charset="utf-8"><title>page</title><body style="background:#fff">'
    page.write_text(f"{head}{html}</body>", encoding="utf-8")
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        f"--user-data-dir={folder}/profile",
        f"--window-size={width},{height}",
        f"--screenshot={picture}",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert picture.is_file(), done.stderr[-2000:]
    return picture


def rows_of(picture: Path) -> list[bytes]:
    """Give the rows of pixels of a PNG of 8-bit colours: what the browser writes."""
    raw = picture.read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n"
    width, _, depth, kind = struct.unpack(">IIBB", raw[16:26])
    assert depth == 8 and kind in (2, 6)
    data, at = b"", 8
    while at < len(raw):
        (size,) = struct.unpack(">I", raw[at : at + 4])
        if raw[at + 4 : at + 8] == b"IDAT":
            data += raw[at + 8 : at + 8 + size]
        at += size + 12
    pixel = 3 if kind == 2 else 4
    stride = width * pixel
    packed = zlib.decompress(data)
    rows: list[bytes] = []
    before = bytearray(stride)
    for start in range(0, len(packed), stride + 1):
        line = bytearray(packed[start + 1 : start + 1 + stride])
        row = _unfiltered(packed[start], line, before, pixel)
        rows.append(bytes(row))
        before = row
    return rows


def _unfiltered(kind: int, row: bytearray, before: bytearray, pixel: int) -> bytearray:
    """Undo the filter of one row (PNG, section 9)."""
    for i in range(len(row)):
        left = row[i - pixel] if i >= pixel else 0
        up = before[i]
        corner = before[i - pixel] if i >= pixel else 0
        if kind == 1:
            guess = left
        elif kind == 2:
            guess = up
        elif kind == 3:
            guess = (left + up) // 2
        elif kind == 4:
            guess = _paeth(left, up, corner)
        else:
            break
        row[i] = (row[i] + guess) & 255
    return row


def _paeth(left: int, up: int, corner: int) -> int:
    near = left + up - corner
    return min((left, up, corner), key=lambda value: abs(near - value))


def has_colour(rows: list[bytes], red: int, green: int, blue: int) -> bool:
    """Tell whether a colour is seen anywhere."""
    wanted = bytes((red, green, blue))
    return any(wanted in row for row in rows)


def inked(rows: list[bytes]) -> int:
    """Count the rows in which there is anything but white."""
    return sum(bool(row.strip(b"\xff")) for row in rows)
