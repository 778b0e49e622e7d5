"""The kinds of value that settings may have.

Runs in: both
"""
