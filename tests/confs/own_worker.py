"""A worker class that is a little different."""

from gunicorn.workers.sync import SyncWorker

bind = "127.0.0.1:0"


class StoppingWorker(SyncWorker):
    def handle_quit(self, sig, frame):
        self.app.application.stop()
        super().handle_quit(sig, frame)


worker_class = StoppingWorker
