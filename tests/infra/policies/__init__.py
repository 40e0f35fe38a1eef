"""What the templates promise: each policy takes templates and asserts. test_policies.py proves each to bite."""
