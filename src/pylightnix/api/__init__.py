"""Floor 4: the names that users import, and the only ambient state: which store, which registry."""
