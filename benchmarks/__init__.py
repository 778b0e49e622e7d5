"""Benchmarks: fastfork beside the other WSGI servers that are installed.

`python -m benchmarks.run` compares, `python -m benchmarks.instructions` guards the cost of
a request in CI.  README.md tells what is measured and how.

Runs in: cli
"""
