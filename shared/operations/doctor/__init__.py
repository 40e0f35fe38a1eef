"""Checks a deployment from where it runs: its settings, what it may do and whom it reaches. Changes nothing for good.

`python -m shared.doctor` where the settings are in the environment.
"""
