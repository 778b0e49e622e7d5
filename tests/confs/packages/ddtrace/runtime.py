import sys


class RuntimeMetrics:
    @staticmethod
    def enable():
        print("ddtrace: runtime metrics", file=sys.stderr)
