"""An experiment: ten noisy trainings of a small network, the best of them, and a picture of it."""

import numpy as np

from pylightnix import autostage, instantiate, match_best, realizeU, selfref, store_initialize


@autostage(out=[selfref, "data.npz"])
def moons(out, points=600, noise=0.25):
    rng = np.random.default_rng(0)
    angle, y = rng.uniform(0, np.pi, points), rng.integers(0, 2, points)
    x = np.c_[np.cos(angle), np.sin(angle)] * (1 - 2 * y[:, None]) + np.c_[y, y / 2]
    np.savez(out, x=x + rng.normal(0, noise, x.shape), y=y)


def forward(x, w1, w2):
    hidden = np.tanh(np.c_[x, np.ones(len(x))] @ w1)
    return hidden, 1 / (1 + np.exp(-hidden @ w2))


@autostage(out=[selfref], data=moons, nouts=10, matcher=match_best("score.txt"))
def train(out, data, hidden=8, rate=0.5, steps=400, *, rindex):
    rng, (x, y) = np.random.default_rng(rindex), np.load(data.out).values()
    w1, w2 = rng.normal(size=(3, hidden)), rng.normal(size=hidden)
    for _ in range(steps):
        h, p = forward(x[:300], w1, w2)
        error = (p - y[:300]) / 300
        back = np.outer(error, w2) * (1 - h**2)
        w1, w2 = w1 - rate * np.c_[x[:300], np.ones(300)].T @ back, w2 - rate * h.T @ error
    np.savez(f"{out}/weights.npz", w1=w1, w2=w2)
    score = np.mean((forward(x[300:], w1, w2)[1] > 0.5) == y[300:])
    np.savetxt(f"{out}/score.txt", [score], "%.3f")


@autostage(out=[selfref, "picture.png"], data=moons, best=train)
def picture(out, data, best):
    import matplotlib.pyplot as plt

    (x, y), grid = np.load(data.out).values(), np.mgrid[-2.5:3:200j, -2:2.5:200j]
    p = forward(grid.reshape(2, -1).T, **np.load(f"{best.out}/weights.npz"))[1]
    plt.contourf(*grid, p.reshape(200, 200), 20, cmap="RdBu_r", alpha=0.6)
    plt.scatter(*x.T, c=y, s=12, cmap="RdBu_r", edgecolors="k", linewidths=0.3)
    plt.savefig(out, dpi=80)


if __name__ == "__main__":
    store_initialize()
    result = realizeU(instantiate(picture))
    print("the best of ten:", np.loadtxt(f"{result.best.out}/score.txt"), result.out)
