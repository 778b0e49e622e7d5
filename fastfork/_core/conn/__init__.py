"""Connections: accepted, watched and closed; TLS, the PROXY protocol; what waits for them.

Runs in: worker
"""
