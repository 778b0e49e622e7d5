"""What both logs are made of: streams, escaping, formats, the loggers.

Runs in: both
"""
