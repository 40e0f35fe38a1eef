"""Announces to an Event Grid topic what became of a chunk or a recording."""
