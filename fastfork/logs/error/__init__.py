"""The error log.

Runs in: both
"""
