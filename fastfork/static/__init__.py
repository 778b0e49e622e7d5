"""Static files: what is set up once a start.  What is done per request is fastfork._core.static.

Runs in: worker
"""
