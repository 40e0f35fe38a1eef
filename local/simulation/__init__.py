"""The whole app in one process, in virtual time, on storage and ACS in memory, with every choice taken from one seed.

A run has several hosts, each with a worker process; Event Grid, the queue and the timers invoke the product's use cases
on them. Every call to the outside waits until the schedule lets it proceed, and can fail there in every way in which a
call can fail. After each call, the invariants are checked on raw storage. docs/simulation.md explains how to use it.
"""
