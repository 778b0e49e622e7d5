"""One site's: the shared settings and what is different there."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))

from base_settings import *  # noqa: F403

proc_name = "site"
workers = workers + 1  # noqa: F405
