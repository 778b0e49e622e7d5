"""Static files: what is set up once a start.

What is done per request is fastfork._core.apps.static.

Runs in: worker
"""
