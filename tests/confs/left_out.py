"""Parts of gunicorn that are not here."""

bind = "127.0.0.1:0"
control_socket_disable = True
dirty_workers = 2
dirty_apps = ["shop.tasks:Mail"]
http2_max_frame_size = 16_384
http_protocols = "h1"
uwsgi_allow_ips = "127.0.0.1"


def dirty_worker_init(worker):
    pass
