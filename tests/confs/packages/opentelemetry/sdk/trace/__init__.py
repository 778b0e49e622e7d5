import os
import sys


class TracerProvider:
    def __init__(self, resource):
        self.resource = resource

    def add_span_processor(self, processor):
        own = self.resource["worker"] == os.getpid()
        print(f"opentelemetry: exports in its own process {own}", file=sys.stderr)
