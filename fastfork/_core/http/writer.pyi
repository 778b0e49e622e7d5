from fastfork._core.http.site import Site

class ResponseWriter:
    def __init__(self, site: Site) -> None: ...
