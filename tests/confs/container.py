"""For a container: logs on standard output, heartbeat in memory."""

import os

bind = os.environ.get("BIND", "127.0.0.1:0")
worker_tmp_dir = "/dev/shm"
accesslog = "-"
errorlog = "-"
access_log_format = '%(t)s %(p)s "%(r)s" %(s)s %(b)s %(D)s'
capture_output = True
enable_stdio_inheritance = True
