"""Floor 0: values and decisions. Knows no disk, no clock, no environment."""
