# mypy: ignore-errors
"""Ten noisy trainings of a little model; the best one is used: all that a user writes."""

import random

from pylightnix import Path, autostage, instantiate, match_best, realizeU, selfpath, selfref, table


@autostage(out=[selfref, "data.csv"])
def dataset(out, size=50, noise=0.1, seed=1):
    """Points near a line."""
    rnd = random.Random(seed)
    points = [(x / size, 3 * x / size + rnd.gauss(0, noise)) for x in range(size)]
    Path(out).write_text("".join(f"{x},{y}\n" for x, y in points))


def load(file):
    """Read points."""
    return [tuple(map(float, line.split(","))) for line in Path(file).read_text().split()]


@autostage(score=[selfref, "score.txt"], nouts=10, matcher=match_best("score.txt"))
def train(score, model=selfpath("model.txt"), data=dataset, tries=20, *, rindex):
    """Guess a slope, as well as luck allows."""
    points, rnd = load(data.out), random.Random(rindex)
    slopes = [rnd.uniform(0, 6) for _ in range(tries)]
    error, best = min((sum((a * x - y) ** 2 for x, y in points), a) for a in slopes)
    Path(model).write_text(str(best))
    Path(score).write_text(str(-error))
    print("trained", rindex)


@autostage(out=[selfref, "report.txt"])
def report(out, model=train):
    """Tell of the best."""
    Path(out).write_text(f"slope {float(Path(model.model).read_text()):.1f}\n")


if __name__ == "__main__":
    print(Path(realizeU(instantiate(report)).out).read_text(), end="")
    print(len(table("train", ["score.txt"])), "trainings")
