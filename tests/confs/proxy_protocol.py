"""Behind a load balancer that sends the PROXY protocol."""

bind = "127.0.0.1:0"
proxy_protocol = True
proxy_allow_ips = "*"
