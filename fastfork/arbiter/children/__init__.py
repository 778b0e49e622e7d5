"""Workers as the arbiter sees them: each one and all, how many there should be, how one ends.

Runs in: arbiter
"""
