"""Fault tests: workers that die or freeze at named steps, random schedules of faults, and checks of invariants.

The product doesn't know this package: the local worker loads a plugin that wraps the product's gateways.

`schedules` generates what happens, `playing` makes it happen on the `running_stack`, with the faults of `injection`.
`judging` then decides whether the guarantees were kept. `batches` does all of this for several schedules, and
`mutation` does it with known defects.
"""
