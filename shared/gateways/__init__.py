"""The only modules that import azure.*: each translates what it understands into the errors of shared.errors."""
