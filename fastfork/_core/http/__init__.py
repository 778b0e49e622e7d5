"""Protocols: bytes to requests, responses to bytes; HTTP/1.1, HTTP/2, WebSocket.

Runs in: worker
"""
