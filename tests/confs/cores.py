"""Workers from the number of processors, by the usual formula."""

import multiprocessing

bind = ["127.0.0.1:0"]
workers = multiprocessing.cpu_count() * 2 + 1
