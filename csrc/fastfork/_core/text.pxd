# Building str objects straight from wire bytes, and looking into str objects of the app.
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.string cimport memcpy


cdef extern from "Python.h":
    object PyUnicode_New(Py_ssize_t size, unsigned int maxchar)
    void *PyUnicode_DATA(object text)
    int PyUnicode_KIND(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_CheckExact(object text)
    bint PyUnicode_Check(object text)
    object PyUnicode_DecodeLatin1(const char *p, Py_ssize_t n, const char *errors)
    int PyUnicode_1BYTE_KIND
    bint PyBytes_CheckExact(object data)
    bint PyBytes_Check(object data)
    char *PyBytes_AS_STRING(object data)
    Py_ssize_t PyBytes_GET_SIZE(object data)
    Py_ssize_t Py_REFCNT(PyObject *thing)  # a pointer: an object would be counted once more

cdef extern from *:
    """
    /* With the interpreter lock this is what the call of Python 3.14 says too; without it a number
       means nothing to other threads. */
    #if PY_VERSION_HEX >= 0x030E0000 && defined(Py_GIL_DISABLED)
    #define ff_is_unique(thing) PyUnstable_Object_IsUniquelyReferenced(thing)
    #else
    #define ff_is_unique(thing) (Py_REFCNT(thing) == 1)
    #endif
    """
    bint ff_is_unique(PyObject *thing)  # is there one reference to it?


cdef inline object latin1(const char *p, Py_ssize_t n, bint has_obs_text):
    """The n bytes at p as PEP 3333 text: one character a byte."""
    if n <= 1 or has_obs_text:
        return PyUnicode_DecodeLatin1(p, n, NULL)  # interned singletons for n <= 1
    text = PyUnicode_New(n, 127)
    memcpy(PyUnicode_DATA(text), p, n)
    return text
