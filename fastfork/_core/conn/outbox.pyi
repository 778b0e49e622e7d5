class FileSegment: ...

class Outbox:
    size: int
