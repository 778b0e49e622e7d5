"""What settings, names and objects of gunicorn's mean here.

Runs in: both
"""
