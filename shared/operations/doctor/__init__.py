"""Checks a deployment: its settings, its permissions and its connections. Leaves nothing changed.

Run `python -m shared.doctor` where the app's settings are in the environment.
"""
