from collections.abc import Callable
from logging import Logger

from fastfork._core.http.answer import Answerer

Fields = list[tuple[str, str]]

class StaticFiles(Answerer):
    def __init__(
        self,
        mounts: list[tuple[str, str]],
        *,
        describe: Callable[[str], tuple[str, Fields, Fields, bool]],
        pages: Callable[[int], tuple[str, bytes]],
        log: Logger,
        script: str = "",
        index: str | None = None,
        follows: bool = False,
        is_logged: bool = True,
    ) -> None: ...

def answer_to(
    files: StaticFiles, environ: dict[str, str]
) -> tuple[str, Fields, bytes | tuple[int, int]] | None: ...
