"""For a platform that says PORT and WEB_CONCURRENCY: the file has the rest only."""

preload_app = True
max_requests = 1200
max_requests_jitter = 50
access_log_format = '%(h)s "%(r)s" %(s)s %({X-Request-Start}i)s'
accesslog = "-"
