"""What of ASGI is plain Python: the lifespan of an application.

Runs in: worker
"""
