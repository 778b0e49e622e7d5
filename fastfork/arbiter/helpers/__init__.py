"""Processes beside the workers: what keeps one alive, and each of them.

Runs in: arbiter
"""
