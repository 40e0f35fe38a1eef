"""Row 3: the cost of lists, the sweep and claims as the catalogue grows."""
