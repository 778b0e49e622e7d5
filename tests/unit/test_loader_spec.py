"""MODULE:APP as text: what it names, and what to type when it names nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from fastfork.errors import AppNotFound
from fastfork.wsgi import check_before_fork, load_app
from fastfork.wsgi.spec import AppSpec, parse


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("shop", AppSpec("shop", "application")),
        ("shop:app", AppSpec("shop", "app")),
        (" shop.web : app ", AppSpec("shop.web", "app")),
        ("shop:make()", AppSpec("shop", "make", ((), {}))),
        ("shop:make('a:b', 1, x=[2])", AppSpec("shop", "make", (("a:b", 1), {"x": [2]}))),
    ],
)  # fmt: skip
def test_text_is_read(text: str, spec: AppSpec) -> None:
    assert parse(text) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shop.py", "'shop.py' is a file, not a module; did you mean shop:application?"),
        ("shop.py:app", "'shop.py' is a file, not a module; did you mean shop:app?"),
        ("./w/shop.py:app", "'./w/shop.py' is a file, not a module; did you mean w.shop:app?"),
        ("web/shop:app", "'web/shop' is a file, not a module; did you mean web.shop:app?"),
        ("", "'' names no module; write MODULE:APP, such as shop:app"),
        (":app", "':app' names no module; write MODULE:APP, such as shop:app"),
        ("a..b:app", "'a..b:app' names no module; write MODULE:APP, such as shop:app"),
        ("1shop:app", "'1shop:app' names no module; write MODULE:APP, such as shop:app"),
        ("shop:", "'shop:' has nothing after its colon; write shop:app"),
        ("shop:a b", "'a b' is neither a name nor a call; write shop:app or 'shop:create_app()'"),
        ("shop:1", "'1' is neither a name nor a call; write shop:app or 'shop:create_app()'"),
        ("shop:a.b", ("'a.b' has a dot; only names of the module shop itself can be served: import "
         "the object there, and write shop:NAME")),
        ("shop:a.b()", "the factory 'a.b' is not a simple name; write shop:NAME(...)"),
        ("shop:f(x)", ("the arguments of 'f(x)' are not literals; write texts, numbers, True, "
         "False, None, lists or dicts")),
        ("shop:f(**{})", ("the arguments of 'f(**{})' are not literals; write texts, numbers, "
         "True, False, None, lists or dicts")),
    ],
)  # fmt: skip
def test_text_that_names_nothing_is_told_what_to_type(text: str, said: str) -> None:
    for function in (parse, check_before_fork, load_app):
        with pytest.raises(AppNotFound) as refused:
            function(text)
        assert str(refused.value) == said


def test_deeply_nested_text_is_refused_and_not_fatal() -> None:
    with pytest.raises(AppNotFound, match="is neither a name nor a call"):
        parse("shop:" + "(" * 5000)


@pytest.mark.parametrize(
    ("content", "text", "hint"),
    [
        ("app = 1\n", "shop.py", "; did you mean shop:app?"),
        ("application = app = 1\n", "shop.py", "; did you mean shop:application?"),
        ("def create_app(): pass\n", "./shop.py", "; did you mean 'shop:create_app()'?"),
        ("web = 1\n", "shop.py:wep", "; did you mean shop:web?"),
        ("web = 1\n", "shop", None),
        ("zzz = 1\n", "shop.py", "; write shop: and a name of that file"),
        ("not python", "shop.py", "; did you mean shop:application?"),
    ],
)
def test_file_is_looked_into_for_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, text: str, hint: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(content)
    if hint is None:
        assert parse(text) == AppSpec("shop", "application")
        return
    with pytest.raises(AppNotFound) as refused:
        parse(text)
    assert str(refused.value).endswith(f" is a file, not a module{hint}")
