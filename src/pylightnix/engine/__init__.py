"""Floor 2: turns stages into derivations and drives a plan until all of them are realized."""
