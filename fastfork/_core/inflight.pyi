from fastfork._core.crew import Crew

class InFlight:
    def __init__(self, crew: Crew) -> None: ...
