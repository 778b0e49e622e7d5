"""How a worker is forked: by the arbiter, or by a process that has loaded the application.

Runs in: both
"""
