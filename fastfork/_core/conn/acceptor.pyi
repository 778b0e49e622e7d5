class Acceptor:
    error: int
