"""Plain values with names: what `dataclasses` does, without what it costs at each start.

`dataclasses` imports `inspect`, and compiles the source of five methods for each class: that was a
fifth of the time to the first answer.  The methods here are made once, and go by the names that the
class has.  For a type checker they are those of `dataclasses`.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

__all__ = ["Field", "field", "fields", "record", "replace"]

C = TypeVar("C", bound=type[Any])
R = TypeVar("R")

_NONE_YET: Final = object()
_NO_METADATA: Final[Mapping[str, Any]] = MappingProxyType({})
# Where a class keeps name -> field, those of its bases first.
_FIELDS: Final = "__record_fields__"


class _Field:
    """One value of a record; the keywords mean what those of `dataclasses.field` do."""

    def __init__(
        self,
        *,
        default: Any = _NONE_YET,
        default_factory: Callable[[], Any] | None = None,
        compare: bool = True,
        repr: bool = True,  # noqa: A002 - as dataclasses calls it
        metadata: Mapping[str, Any] = _NO_METADATA,
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.compare = compare
        self.repr = repr
        self.metadata = metadata


def _record(
    cls: C | None = None, /, *, frozen: bool = False, eq: bool = True, kw_only: bool = False
) -> Any:
    """Decorate a class: its annotated names are the values that it is made of, in their order."""
    if cls is None:
        return lambda given: _record(given, frozen=frozen, eq=eq, kw_only=kw_only)
    found: dict[str, _Field] = {}
    for base in reversed(cls.__mro__[1:]):
        found.update(getattr(base, _FIELDS, {}))
    for name, annotation in cls.__annotations__.items():
        if not annotation.startswith("ClassVar"):  # text, by `from __future__ import annotations`
            found[name] = _own(cls, name)
    methods: dict[str, Any] = {
        "__init__": _init(cls, found, by_place=not kw_only),
        "__repr__": _repr,
    }
    if eq:
        methods |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
    if frozen:
        methods |= {"__setattr__": _refuse, "__delattr__": _refuse}
    for name, value in {_FIELDS: found, **methods}.items():
        if name not in cls.__dict__:  # what the class has written itself stays
            setattr(cls, name, value)
    return cls


def _own(cls: type, name: str) -> _Field:
    """Return the field that the body of the class describes; the class keeps a default only."""
    given = cls.__dict__.get(name, _NONE_YET)
    one = given if isinstance(given, _Field) else _Field(default=given)
    one.name = name
    if one.default is not _NONE_YET:
        setattr(cls, name, one.default)
    elif name in cls.__dict__:
        delattr(cls, name)
    return one


def _init(cls: type, found: dict[str, _Field], *, by_place: bool) -> Callable[..., None]:
    order = tuple(found) if by_place else ()
    defaults = {n: one.default for n, one in found.items() if one.default is not _NONE_YET}
    made = {n: one.default_factory for n, one in found.items() if one.default_factory is not None}
    after = getattr(cls, "__post_init__", None)

    def init(self: Any, *places: Any, **named: Any) -> None:
        if places:
            placed = dict(zip(order, places, strict=False))
            if len(places) > len(order) or not placed.keys().isdisjoint(named):
                raise TypeError(f"{cls.__name__}: too many values, or one of {list(placed)} twice")
            named = placed | named
        values = {**defaults, **named}
        for name, make in made.items():
            if name not in values:
                values[name] = make()
        if values.keys() != found.keys():
            raise TypeError(
                f"{cls.__name__}: missing or unknown: "
                f"{', '.join(sorted(values.keys() ^ found.keys()))}"
            )
        self.__dict__.update(values)  # not by setattr(), which a frozen class refuses
        if after is not None:
            after(self)

    return init


def _repr(self: Any) -> str:
    shown = (n for n, one in getattr(self, _FIELDS).items() if one.repr)
    return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, n) for n, one in getattr(self, _FIELDS).items() if one.compare)


def _eq(self: Any, other: object) -> bool:
    return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _refuse(self: Any, name: str, *_value: object) -> None:
    raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")


def _fields(of: Any) -> tuple[_Field, ...]:
    """Return the fields of a record or of its class, in their order."""
    return tuple(getattr(of, _FIELDS).values())


def _replace(given: R, /, **changes: Any) -> R:
    """Another record that differs in these values."""
    values = {name: getattr(given, name) for name in getattr(given, _FIELDS)}
    return type(given)(**{**values, **changes})


if TYPE_CHECKING:
    from dataclasses import Field, field, fields, replace
    from dataclasses import dataclass as record
else:
    Field, field, fields, replace, record = _Field, _Field, _fields, _replace, _record
