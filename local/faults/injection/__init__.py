"""Injects faults: crashes inside a worker, a compressed clock, faulty storage, and disturbed processes.

A worker that loads the plugin imports this package. It must not import what the tests alone need.
"""
