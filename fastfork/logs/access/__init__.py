"""The access log.

Runs in: both
"""
