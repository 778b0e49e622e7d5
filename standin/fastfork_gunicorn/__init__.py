"""A stand-in for gunicorn, for programs that start it themselves.

The module `gunicorn` is not beside this package but in `path`, which a .pth file puts at the end
of sys.path: a gunicorn that is installed is neither overwritten nor hidden.

Runs in: cli
"""
