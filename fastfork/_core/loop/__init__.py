"""The loop: what happens between two waits, who may lead it, what is sent at its end.

Runs in: worker
"""
