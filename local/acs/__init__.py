"""A simulator of Azure Communication Services call recording, for local use and tests.

The real SDK connects to it over TLS. It refuses the requests that ACS refuses and forgets the recordings that ACS
forgets. It imports nothing of the product, so both can only rely on documented or measured behaviour of ACS.
"""
