from fastfork._core.asgicall import AsgiCall
from fastfork._core.site import Site
from fastfork._core.taskboard import TaskBoard

class WebSocketCall(AsgiCall):
    def __init__(self, site: Site, board: TaskBoard, status: int) -> None: ...
