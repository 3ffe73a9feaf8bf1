"""A stage of one's own."""

from pylightnix import (
    build_cattrs,
    build_outpath,
    build_path,
    build_wrapper,
    match_only,
    mkconfig,
    mkdrv,
)


def total(numbers, times=1, r=None):
    """Add the numbers in a file."""

    def build(b):
        text = build_path(b, build_cattrs(b).numbers).read_text()
        found = times * sum(map(int, text.split()))
        (build_outpath(b) / "total.txt").write_text(f"{found}\n")

    fields = {"name": "total", "numbers": numbers, "times": times}
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build), r)


def which(r=None):
    """Tell whether this runs in an environment."""

    def build(b):
        import sys

        own = "" if "pod-env" in sys.prefix else "not "
        (build_outpath(b) / "which.txt").write_text(f"{own}in an environment of its own\n")

    return mkdrv(mkconfig({"name": "which"}), match_only(), build_wrapper(build), r)
