from pylightnix import build_outpath, build_wrapper, match_only, mkconfig, mkdrv


def train(data, lr=0.1, r=None):
    def build(b):
        (build_outpath(b) / "x").write_text("x")
        if lr < 0:
            raise ValueError("the learning rate must not be negative")

    return mkdrv(
        mkconfig({"name": "train", "data": data, "lr": lr}), match_only(), build_wrapper(build), r
    )
