from fastfork._core.apps.asgicall import AsgiCall
from fastfork._core.apps.taskboard import TaskBoard
from fastfork._core.http.site import Site

class WebSocketCall(AsgiCall):
    def __init__(self, site: Site, board: TaskBoard, status: int) -> None: ...
