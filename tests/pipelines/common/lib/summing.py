"""A step of one's own."""


def run_step(context):
    """Add numbers."""
    context["total"] = sum(context.get_formatted("sumOf"))
