"""Floor 6, a front: IPython and Jupyter, `%load_ext pylightnix`."""
