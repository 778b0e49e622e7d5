"""A worker for ASGI."""

bind = "127.0.0.1:0"
worker_class = "uvicorn.workers.UvicornWorker"
