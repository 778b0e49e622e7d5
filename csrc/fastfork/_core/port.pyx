"""Which branches of csrc/port.h were compiled.

Runs in: both
"""

# Whether calls that are Linux's alone are made; False on other systems, and where
# FASTFORK_PORTABLE=1 was set at build time.
IS_LINUX = bool(FF_LINUX)
