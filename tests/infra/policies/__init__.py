"""The promises of the templates. Each policy asserts one; test_policies.py proves that each can fail."""
