"""gunicorn.app: servers that are started from code.

Runs in: cli
"""
