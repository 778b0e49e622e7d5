"""CPU a request above the floor, a server that does nothing: what benchmarks.run uses."""
