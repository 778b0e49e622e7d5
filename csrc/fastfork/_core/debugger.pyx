"""Whether a debugger has called a process of ours: sys.remote_exec() and `pdb -p` of Python 3.14.

They write a word into the memory of the process (PEP 768), and its main thread sees that at its next
step in Python.  Ours wait in C, for as long as nobody wants anything of them.

Runs in: arbiter
"""

cdef extern from *:
    """
    #include "port.h"
    #if PY_VERSION_HEX >= 0x030E0000 && defined(Py_REMOTE_DEBUG)
    /* A child that was forked has the state of the thread that forked at the same address. */
    static int ff_debugger_calls(pid_t pid) {
        int32_t word = 0;
        void *place = &PyThreadState_Get()->remote_debugger_support.debugger_pending_call;
        return ff_look_into(pid, place, &word, sizeof(word)) && word == 1;
    }
    #else
    static int ff_debugger_calls(pid_t pid) { (void)pid; return 0; }
    #endif
    """
    int ff_debugger_calls(int pid) nogil


def calls(int pid):
    """Whether a debugger waits for `pid`, a fork of the thread that asks, or a fork of such a fork.

    False where there is no such debugger, and of a process whose memory we may not read."""
    return ff_debugger_calls(pid) != 0
