from typing import Final

IS_LINUX: Final[bool]
