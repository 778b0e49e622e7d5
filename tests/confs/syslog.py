"""Both logs to the system log."""

import os

bind = "127.0.0.1:0"
syslog = True
syslog_addr = f"unix://{os.environ['LOG_SOCKET']}#dgram"
syslog_prefix = "shop"
syslog_facility = "local0"
