from fastfork._core.http.body import Body

class Upload(Body):
    complete: bool
