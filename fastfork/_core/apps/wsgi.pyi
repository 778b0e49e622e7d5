from wsgiref.types import WSGIApplication

from fastfork._core.apps.gateway import Gateway
from fastfork._core.http.site import Site

class WsgiGateway(Gateway):
    def __init__(self, app: WSGIApplication, site: Site) -> None: ...
