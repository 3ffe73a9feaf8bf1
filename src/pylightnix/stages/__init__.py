"""Floor 3: ready-made stages. Fetching, unpacking, files, nodes, and stages made from stages."""
