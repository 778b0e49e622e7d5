from fastfork._core.asgicall import AsgiCall, TaskBoard
from fastfork._core.site import Site

class WebSocketCall(AsgiCall):
    def __init__(self, site: Site, board: TaskBoard, status: int) -> None: ...
