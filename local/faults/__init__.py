"""Proof that nothing is lost: workers that die or freeze at named steps, random schedules of faults, and invariants.

Nothing of it is known to the product: the local worker is given a plugin that wraps the product's gateways.
"""
