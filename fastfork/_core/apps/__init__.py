"""Who answers a request: applications by WSGI, greenlets or ASGI, and static files.

Runs in: worker
"""
