"""The compiled hot path.  Sources: csrc/.  Python sees it through fastfork.http and workers.

Runs in: worker
"""
