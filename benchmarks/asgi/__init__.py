"""ASGI servers beside each other: requests, WebSockets, and those that say nothing."""
