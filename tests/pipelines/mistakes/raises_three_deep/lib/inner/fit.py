def run_step(context):
    check(context["lr"])


def check(lr):
    if lr < 0:
        raise ValueError("the learning rate must not be negative")
