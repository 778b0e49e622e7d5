"""Logs in files of a directory that is made when it is missing."""

import os
from datetime import date

bind = "127.0.0.1:0"
log_dir = os.path.join(os.getcwd(), "log", str(date.today().year))
os.makedirs(log_dir, exist_ok=True)
accesslog = os.path.join(log_dir, "access.log")
errorlog = "-"
access_log_format = "%(m)s %(U)s %(s)s"
