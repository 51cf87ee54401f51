# cython: language_level=3, binding=True
# distutils: language = c++
"""Hashing, compiled: what ``server.notary.merkle`` and ``server.notary.leaf_rows`` do in Python."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp.vector cimport vector

from server.notary.errors import MalformedError


cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass View "std::string_view":
        View()
        View(const char*, size_t)

cdef extern from "<array>" namespace "std" nogil:
    cdef cppclass Id "std::array<char, 16>":
        char* data()

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "tree.hpp" namespace "lognotary" nogil:
    size_t kHashSize
    void cpp_hash_pairs "lognotary::hash_pairs"(View hashes, char* out)

cdef extern from "rows.hpp" namespace "lognotary" nogil:
    size_t kIdSize
    uint8_t kString, kArray, kMap

    cdef cppclass Range:
        uint64_t end
        bint any
        Id batch_id

    cdef cppclass RowHasher:
        RowHasher(View kinds, int64_t version, uint64_t first_leaf, vector[Range] ranges, char* hashes, char* states) except +
        void feed(View piece) except +
        bint complete() const


STRING = kString
ARRAY = kArray
MAP = kMap


def hash_pairs(bytes nodes):
    """Do what ``server.notary.merkle.hash_pairs`` does."""
    if len(nodes) % kHashSize:
        raise MalformedError(f"{len(nodes)} bytes are not a whole number of {kHashSize}-byte hashes")
    cdef bytes parents = PyBytes_FromStringAndSize(NULL, len(nodes) // (2 * kHashSize) * kHashSize)
    cdef View view = View(PyBytes_AS_STRING(nodes), len(nodes))
    cdef char* out = PyBytes_AS_STRING(parents)
    with nogil:
        cpp_hash_pairs(view, out)
    return parents


def hash_rows(object pieces, bytes kinds, int64_t version, uint64_t first_leaf, list ranges):
    """Do what ``server.notary.leaf_rows.hash_rows`` does.

    Args:
        pieces: as there.
        kinds: a byte for each column: how many bytes it has, or STRING or MAP; or ARRAY and a byte for its elements.
        version: the version of the canonical records.
        first_leaf: the first leaf.
        ranges: (end, batch ID or None) pairs.

    Returns:
        The hashes, and the states of the leaves.
    """
    cdef vector[Range] expected
    cdef uint64_t end_leaf = first_leaf
    for end, batch_id in ranges:
        if end < end_leaf:
            raise ValueError("the ranges do not follow on each other")
        end_leaf = end
        expected.push_back(_range(end, batch_id))
    cdef bytes hashes = _zeros((end_leaf - first_leaf) * kHashSize)
    cdef bytes states = _zeros(end_leaf - first_leaf)
    cdef RowHasher* hasher = new RowHasher(
        View(PyBytes_AS_STRING(kinds), len(kinds)),
        version,
        first_leaf,
        expected,
        PyBytes_AS_STRING(hashes),
        PyBytes_AS_STRING(states),
    )
    try:
        _feed_all(hasher, pieces)
    finally:
        del hasher
    return hashes, states


cdef Range _range(uint64_t end, bytes batch_id):
    cdef Range made
    made.end = end
    made.any = batch_id is None
    if batch_id is not None:
        if len(batch_id) != kIdSize:
            raise ValueError("a batch ID has 16 bytes")
        memcpy(made.batch_id.data(), PyBytes_AS_STRING(batch_id), kIdSize)
    return made


cdef bytes _zeros(uint64_t size):
    if size > <uint64_t>PY_SSIZE_T_MAX:
        raise MemoryError
    cdef bytes zeros = PyBytes_FromStringAndSize(NULL, <Py_ssize_t>size)
    memset(PyBytes_AS_STRING(zeros), 0, size)
    return zeros


cdef _feed_all(RowHasher* hasher, object pieces):
    cdef bytes piece
    cdef View view
    for piece in pieces:
        view = View(PyBytes_AS_STRING(piece), len(piece))
        try:
            with nogil:
                hasher.feed(view)
        except ValueError as error:
            raise MalformedError(str(error)) from None
    if not hasher.complete():
        raise MalformedError("the rows end within one")
