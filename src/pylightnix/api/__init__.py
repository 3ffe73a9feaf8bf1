"""Floor 4: every name that users import, and the only ambient state: which store, which registry."""
