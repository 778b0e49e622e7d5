from fastfork._core.body import Body

class Upload(Body):
    complete: bool
