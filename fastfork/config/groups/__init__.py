"""The settings, a group a module.  The docstring of each class is the group's heading.

Runs in: cli, arbiter (when it reads the settings)
"""
