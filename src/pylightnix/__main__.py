"""`python -m pylightnix` is the program `pylightnix`."""

from __future__ import annotations

from pylightnix.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
