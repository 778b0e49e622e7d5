"""Requests that nobody thought of, through both parsers: the same verdict, the same heads
and bodies, and never anything but HttpError.

Runs in: cli
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.wire.corpus import ALL
from tests.wire.feeding import Outcome, drive
from tests.wire.strategies import built_requests, mutated_cases, noise, pieces_of

NO_SETTINGS: dict[str, int] = {}
SMALL = {"line": 60, "fields": 4, "field_size": 40, "head": 200, "max_body": 20}

# The same examples in every run: a red build must not depend on luck.  To search for more,
# raise FASTFORK_EXAMPLES; what is found becomes a case of the corpus.
repeatable = settings(
    derandomize=True,
    deadline=None,
    max_examples=int(os.environ.get("FASTFORK_EXAMPLES", "400")),
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def agree(raw: bytes, pieces: list[bytes], limits: dict[str, int]) -> Outcome:
    """Both parsers, whole and in pieces, give one verdict, which is returned."""
    native = drive("native", [raw], limits)
    assert drive("native", pieces, limits) == native
    httptools = drive("httptools", [raw], limits)
    assert drive("httptools", pieces, limits) == httptools
    assert httptools.verdict() == native.verdict(), httptools.detail
    return native


@repeatable
@given(data=st.data(), limits=st.sampled_from([NO_SETTINGS, SMALL]))
def test_built_requests_have_one_verdict(data: st.DataObject, limits: dict[str, int]) -> None:
    raw = data.draw(built_requests())
    agree(raw, data.draw(pieces_of(raw)), limits)


@repeatable
@given(data=st.data(), limits=st.sampled_from([NO_SETTINGS, SMALL]))
def test_mutated_requests_have_one_verdict(data: st.DataObject, limits: dict[str, int]) -> None:
    raw = data.draw(mutated_cases(ALL))
    agree(raw, data.draw(pieces_of(raw)), limits)


@repeatable
@given(data=st.data())
def test_noise_has_one_verdict(data: st.DataObject) -> None:
    raw = data.draw(noise())
    outcome = agree(raw, data.draw(pieces_of(raw)), NO_SETTINGS)
    assert not outcome.requests or b"HTTP/1." in raw


@repeatable
@given(data=st.data())
def test_a_prefix_is_never_refused_for_another_reason(data: st.DataObject) -> None:
    raw = data.draw(mutated_cases(ALL))
    cut = data.draw(st.integers(0, len(raw)))
    for backend in ("httptools", "native"):
        whole, prefix = drive(backend, [raw], {}), drive(backend, [raw[:cut]], {})
        assert prefix.requests == whole.requests[: len(prefix.requests)]
        assert prefix.status in (None, whole.status)
