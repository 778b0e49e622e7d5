"""Where settings come from: files, variables, the command line.

Runs in: both
"""
