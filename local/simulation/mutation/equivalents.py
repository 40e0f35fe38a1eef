"""Mutants that change nothing that anybody can observe, each with its reason. Keys: module, defect."""

EQUIVALENT: dict[tuple[str, str], str] = {}
