"""Stands in for the package of this name: says what it is asked to do."""

import sys


def patch_all():
    print("ddtrace: patched", file=sys.stderr)


class tracer:  # noqa: N801 - the name there
    @staticmethod
    def flush():
        print("ddtrace: flushed", file=sys.stderr)
