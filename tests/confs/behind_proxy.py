"""Behind a load balancer that ends TLS."""

bind = "127.0.0.1:0"
forwarded_allow_ips = "*"
secure_scheme_headers = {"X-FORWARDED-PROTO": "https"}
keepalive = 75
limit_request_line = 8190
