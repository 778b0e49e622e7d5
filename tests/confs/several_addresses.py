"""A public and a local address, as one text with a comma."""

bind = "127.0.0.1:0,127.0.0.2:0"
