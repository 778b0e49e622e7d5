"""The process itself: its pid file, its name, the place and path it works in.

Runs in: both
"""
