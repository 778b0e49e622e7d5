from collections.abc import Callable

class Turnstile:
    nudge: Callable[[], object] | None
