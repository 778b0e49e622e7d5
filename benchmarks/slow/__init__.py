"""Slow clients beside other servers."""
