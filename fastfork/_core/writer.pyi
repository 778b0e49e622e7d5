from fastfork._core.site import Site

class ResponseWriter:
    def __init__(self, site: Site) -> None: ...
