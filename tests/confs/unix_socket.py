"""Behind a proxy on the same machine: a socket file that its group may use."""

import os

here = os.getcwd()
bind = f"unix:{here}/run.sock"
pidfile = os.path.join(here, "run.pid")
umask = 0o007
backlog = 512
