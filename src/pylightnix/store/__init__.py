"""Floor 1: the store on disk, and the only code that writes it."""
