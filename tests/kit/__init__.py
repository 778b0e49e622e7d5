"""The test kit: a strict raw HTTP client, real servers on port 0, and their log.

    from tests.kit.client import RawClient        speak bytes, read answers strictly
    from tests.kit.server import RunningServer    a `python -m fastfork` process
    from tests.kit.waiting import wait_until      wait for a fact, with a deadline

Tests get servers from the fixtures in tests/conftest.py: `start_server`, `running_server`.

Runs in: cli
"""
