"""Checks of settings that are read already: against each other, and against this machine.

Runs in: both
"""
