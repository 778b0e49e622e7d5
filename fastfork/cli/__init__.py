"""The door: the command line, and the exit codes the shell sees.

Runs in: cli, arbiter (until it is one)
"""
