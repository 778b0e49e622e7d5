from fastfork._core.loop.crew import Crew

class InFlight:
    def __init__(self, crew: Crew) -> None: ...
