"""Floor 6, a front: values as HTML, for notebooks."""
