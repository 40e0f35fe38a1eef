"""A simulator of Azure Communication Services call recording, for the laptop and the tests.

It speaks to the real SDK over TLS: what ACS refuses, it refuses; what ACS forgets, it forgets. It knows nothing of
the product, so that the two can only agree on what ACS itself promises.
"""
