"""Table Storage: the catalogue, the worklist, the lists, and the smaller tables."""
