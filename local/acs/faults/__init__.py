"""Faults that tests request, and the unusual answers that ACS gives without a fault."""
