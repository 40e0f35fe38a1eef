"""Fault tests: workers that die or freeze at named steps, random schedules of faults, and checks of invariants.

The product doesn't know this package: the local worker loads a plugin that wraps the product's gateways.
"""
