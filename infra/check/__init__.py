"""Offline checks of the Bicep templates: what a compiler would find, as far as it can be found without one.

`python -m infra.check` parses every template, checks its names, and scans it for weak settings. The policy tests in
tests/infra evaluate the templates with this package and hold the product's promises against what would be deployed.
"""
