import sys


def mark_process_dead(pid):
    print(f"prometheus_client: dead {pid}", file=sys.stderr)
