import threading


class BatchSpanProcessor:
    def __init__(self, endpoint):
        threading.Thread(target=threading.Event().wait, args=(60,), daemon=True).start()
