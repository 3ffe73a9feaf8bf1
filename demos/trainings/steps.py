"""The other stages."""

from pylightnix import (
    build_cattrs,
    build_outpath,
    build_path,
    build_wrapper,
    match_only,
    mkconfig,
    mkdrv,
)


def stage(build, **fields):
    return mkdrv(mkconfig(fields), match_only(), build_wrapper(build))


def data(rows):
    def build(b):
        numbers = range(1, build_cattrs(b).rows + 1)
        (build_outpath(b) / "rows.txt").write_text("".join(f"{n}\n" for n in numbers))

    return stage(build, name="data", rows=rows)


def score(b, model):
    return build_path(b, [model, "score.txt"]).read_text()


def best(models):
    """Take the model of the highest score."""

    def build(b):
        scores = [score(b, model) for model in build_cattrs(b).models]
        (build_outpath(b) / "score.txt").write_text(max(scores, key=lambda s: float(s.split()[0])))

    return stage(build, name="best", models=models)


def report(best, models):
    def build(b):
        fields = build_cattrs(b)
        lines = [score(b, model) for model in fields.models]
        text = f"best: {score(b, fields.best)}all:\n" + "".join(f"  {line}" for line in lines)
        (build_outpath(b) / "report.txt").write_text(text)

    return stage(build, name="report", best=best, models=models)
