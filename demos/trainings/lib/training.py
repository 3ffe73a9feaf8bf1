"""The stage that needs packages of its own."""

from pylightnix import autostage, selfref


@autostage(out=[selfref, "score.txt"])
def fit(out, data):
    import tinyml  # of the step's environment; the program itself has none

    with open(data) as file:
        numbers = [int(line) for line in file]
    with open(out, "w") as file:
        file.write(f"{tinyml.score(numbers)} with tinyml {tinyml.VERSION}\n")
