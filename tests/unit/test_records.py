"""Records do what dataclasses of the same form do."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from fastfork import records


@records.record(frozen=True)
class Kept:
    """At the top of the module, so that it can be pickled."""

    name: str
    number: int = 3


def family(make: Any, field: Any) -> dict[str, Any]:
    """Classes of each form that the server has, made by a decorator."""

    @make(frozen=True)
    class Place:
        shared: ClassVar[str] = "no field"
        path: str
        number: int = -1
        secret: str = field(default="s", repr=False, compare=False)

    @make(frozen=True)
    class Named(Place):
        name: str = "none"

    @make(kw_only=True)
    class Left:
        left: int = 1

    @make(kw_only=True)
    class Right:
        right: list[int] = field(default_factory=list)

    @make(frozen=False, kw_only=True)
    class Both(Left, Right):
        needed: str

    @make(eq=False)
    class Checked:
        text: str

        def __post_init__(self) -> None:
            self.length = len(self.text)

    return {one.__name__: one for one in (Place, Named, Left, Right, Both, Checked)}


OURS = family(records.record, records.field)
THEIRS = family(dataclasses.dataclass, dataclasses.field)


def outcome(act: Callable[[], object]) -> object:
    """What comes of it; the kind of exception when it raises."""
    try:
        return act()
    except (TypeError, AttributeError) as error:
        return AttributeError if isinstance(error, AttributeError) else TypeError


@pytest.mark.parametrize(
    ("name", "places", "named"),
    [
        ("Place", ("a",), {}),
        ("Place", ("a", 2), {}),
        ("Place", ("a",), {"number": 7, "secret": "t"}),
        ("Place", (), {}),
        ("Place", ("a", 2, "s", 4), {}),
        ("Place", ("a",), {"path": "b"}),
        ("Place", ("a",), {"unknown": 1}),
        ("Named", ("a", 1, "s", "n"), {}),
        ("Named", (), {"path": "a", "name": "n"}),
        ("Both", (), {"needed": "x"}),
        ("Both", (), {"needed": "x", "left": 5, "right": [1]}),
        ("Both", ("x",), {}),
        ("Both", (), {}),
        ("Checked", ("abc",), {}),
    ],
)
def test_record_is_made_and_refused_as_a_dataclass_is(
    name: str, places: tuple[object, ...], named: dict[str, object]
) -> None:
    ours, theirs = (outcome(lambda c=c[name]: c(*places, **named)) for c in (OURS, THEIRS))
    if theirs is TypeError:
        assert ours is TypeError
        return
    assert vars(ours) == vars(theirs)
    assert repr(ours) == repr(theirs)
    assert [one.name for one in records.fields(OURS[name])] == [
        one.name for one in dataclasses.fields(THEIRS[name])
    ]


@pytest.mark.parametrize("classes", [OURS, THEIRS], ids=["record", "dataclass"])
def test_equality_and_hash_look_at_the_compared_values(classes: dict[str, Any]) -> None:
    place, named, both, checked = (classes[n] for n in ("Place", "Named", "Both", "Checked"))
    assert place("a", secret="x") == place("a", secret="y")
    assert hash(place("a", secret="x")) == hash(place("a", secret="y"))
    assert place("a") != place("b")
    assert place("a") != named("a")
    assert both(needed="x") == both(needed="x")
    assert outcome(lambda: hash(both(needed="x"))) is TypeError
    assert checked("a") != checked("a")
    assert hash(checked("a"))


@pytest.mark.parametrize("classes", [OURS, THEIRS], ids=["record", "dataclass"])
def test_frozen_record_is_not_changed(classes: dict[str, Any]) -> None:
    place = classes["Place"]("a")
    assert outcome(lambda: setattr(place, "path", "b")) is AttributeError
    assert outcome(lambda: delattr(place, "path")) is AttributeError
    assert place.path == "a"


def test_factory_gives_each_record_a_value_of_its_own() -> None:
    first, second = OURS["Right"](), OURS["Right"]()
    first.right.append(1)
    assert second.right == []


def test_replace_makes_another_record_that_differs_in_these_values() -> None:
    given = OURS["Named"]("a", name="n")
    changed = records.replace(given, path="b")
    assert (changed.path, changed.name, given.path) == ("b", "n", "a")
    assert outcome(lambda: records.replace(given, unknown=1)) is TypeError


def test_record_is_pickled_as_any_object() -> None:
    assert pickle.loads(pickle.dumps(Kept("a", 4))) == Kept("a", 4)


def test_field_tells_its_metadata_and_default() -> None:
    @records.record(frozen=True)
    class Told:
        value: int = records.field(default=5, metadata={"help": "a number"})

    (only,) = records.fields(Told)
    assert (only.name, only.default, only.metadata["help"], Told().value) == (
        "value",
        5,
        "a number",
        5,
    )
