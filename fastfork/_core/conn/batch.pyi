class Batch:
    bytes_sent: int
