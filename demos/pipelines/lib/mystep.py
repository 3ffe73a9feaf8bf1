"""A step of one's own."""


def run_step(context):
    """Double a number."""
    context["doubled"] = 2 * context.get_formatted("number")
