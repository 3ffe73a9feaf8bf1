"""Floor 1: modules that a piece of code has for itself, without `sys.path` or `sys.modules`."""
