"""Which reports of helgrind are about our code.

Runs in: cli
"""

from __future__ import annotations

from tests.schedules.helgrind import is_ours, reports, stacks

DASHES = "----------------------------------------------------------------"
OURS = """
 Possible data race during write of size 4 at 0x76B3D4C by thread #1
 Locks held: none
    at 0x7B4D120: ff_flusher_arm (/a/csrc/loop/flusher.c:138)
    by 0x7B48B1A: __pyx_f_Batch_hold (/a/build/core/csrc/fastfork/_core/batch.c:4152)

 This conflicts with a previous read of size 4 by thread #2
 Locks held: none
    at 0x7B4CD62: run (/a/csrc/loop/flusher.c:93)
    by 0x484C7D6: ??? (in /usr/libexec/valgrind/vgpreload_helgrind-amd64-linux.so)
"""
# The application runs inside of a function of ours, and the block was made by one.
INTERPRETERS = """
 Possible data race during write of size 4 at 0x4DA96F8 by thread #3
 Locks held: none
    at 0x4AAA8C0: SET_GIL_DROP_REQUEST (/p/Python/ceval.c:243)
    by 0x4AAAD4D: PyEval_RestoreThread (/p/Python/ceval.c:521)
    by 0x7B48B1A: __pyx_pw_Hub_turn (/a/build/core/csrc/fastfork/_core/hub.c:4785)

 This conflicts with a previous read of size 4 by thread #1
 Locks held: none
    at 0x49589C2: _PyEval_EvalFrameDefault (/p/Python/ceval.c:5110)
    by 0x7B48B1A: __pyx_pw_Hub_turn (/a/build/core/csrc/fastfork/_core/hub.c:4785)
 Address 0x4da96f8 is 8 bytes inside a block of size 64 alloc'd
    at 0x484586F: malloc (in /usr/libexec/valgrind/vgpreload_helgrind-amd64-linux.so)
    by 0x7B48B1A: __pyx_tp_new_Batch (/a/build/core/csrc/fastfork/_core/batch.c:5341)
"""
# Without the interpreter lock: the C API does not make it CPython's.
WITHOUT_THE_LOCK = """
 Possible data race during read of size 8 at 0x4DA96F8 by thread #2
 Locks held: none
    at 0x49BFCEE: _Py_Dealloc (/p/Objects/object.c:2389)
    by 0x7B4CD62: run (in /s/fastfork/_core/conn/batch.cpython-311-x86_64-linux-gnu.so)

 This conflicts with a previous write of size 8 by thread #1
 Locks held: none
    at 0x49589C2: _PyEval_EvalFrameDefault (/p/Python/ceval.c:5110)
"""
ANNOUNCEMENT = """
 Thread #2 was created
    at 0x4F26B3F: clone (sysdeps/unix/sysv/linux/x86_64/clone.S:76)
    by 0x7B4CD62: ff_flusher_start (/a/csrc/loop/flusher.c:120)
"""


def log(*parts: str) -> str:
    """As helgrind writes it."""
    lines = f"\n{DASHES}\n".join(["Helgrind, a thread error detector", *parts]).splitlines()
    return "".join(f"==12== {line}\n" for line in lines)


def test_reports_are_cut_out_of_the_log_and_announcements_are_none() -> None:
    found = reports(log(ANNOUNCEMENT, OURS, INTERPRETERS))
    assert found == [OURS.strip("\n"), INTERPRETERS.strip("\n")]


def test_race_in_our_code_is_ours() -> None:
    assert is_ours(OURS)
    assert [stack[0][0] for stack in stacks(OURS)] == ["ff_flusher_arm", "run"]


def test_race_of_the_interpreter_in_the_application_is_not_ours() -> None:
    assert not is_ours(INTERPRETERS)


def test_race_in_the_c_api_that_our_thread_called_is_ours() -> None:
    assert is_ours(WITHOUT_THE_LOCK)
