# cython: language_level=3, binding=True
# distutils: language = c++
"""Compiled hashing: does what ``merkle``, ``row_blocks`` with ``leaf_rows``, and ``map_order`` do in Python."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport UINT64_MAX, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp cimport bool as boolean
from libcpp.string cimport string
from libcpp.vector cimport vector

from server.notary.errors import MalformedError, RowTooLongError


cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass View "std::string_view":
        View()
        View(const char*, size_t)
        const char* data()
        size_t size()

cdef extern from "<array>" namespace "std" nogil:
    cdef cppclass Id "std::array<char, 16>":
        char* data()

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef extern from "tree.hpp" namespace "lognotary" nogil:
    size_t kHashSize
    void cpp_hash_pairs "lognotary::hash_pairs"(View hashes, char* out)

cdef extern from "filter.hpp" namespace "lognotary" nogil:
    cdef cppclass RecordFilter:
        RecordFilter(View program, View kinds) except +
        boolean holds(View record, uint64_t leaf) except +

cdef extern from "maps.hpp" namespace "lognotary" nogil:
    cdef cppclass CppMapSorter "lognotary::MapSorter":
        CppMapSorter(View kinds) except +
        boolean is_record(View data, boolean& in_order) except +
        boolean sort(View record, uint64_t most) except +
        View record() const

cdef extern from "rows.hpp" namespace "lognotary" nogil:
    size_t kIdSize
    uint8_t kString, kArray, kMap

    cdef cppclass Range:
        uint64_t end
        bint any
        Id batch_id

    cdef cppclass Kept:
        uint64_t leaf
        string record

    cdef cppclass RowHasher:
        RowHasher(
            View kinds,
            int64_t version,
            uint64_t first_leaf,
            vector[Range] ranges,
            char* hashes,
            char* states,
            RecordFilter* filter,
            uint64_t most_bytes,
        ) except +
        string columns() except +
        TakeRow taker()
        vector[Kept]& kept()
        bint dropped() const


cdef extern from "<functional>" namespace "std" nogil:
    cdef cppclass TakeRow "std::function<void(std::string_view, bool)>":
        pass

cdef extern from "blocks.hpp" namespace "lognotary" nogil:
    cdef cppclass BlockLimits:
        uint64_t row_bytes
        uint64_t block_bytes

    cdef cppclass BlockReader:
        BlockReader(string kinds, BlockLimits limits, TakeRow take_row) except +
        void feed(View piece) except +
        bint finish() except +


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


def hash_blocks(
    object pieces,
    bytes kinds,
    int64_t version,
    uint64_t first_leaf,
    list ranges,
    object limits,
    bytes program=None,
    uint64_t most_bytes=0,
):
    """Do what ``server.notary.leaf_rows.hash_rows`` does with the rows of ``row_blocks.rows_of_blocks``.

    Args:
        pieces: blocks, cut into pieces anywhere.
        kinds: a byte for each column: how many bytes it has, or STRING or MAP; or ARRAY and a byte for its elements.
        version: the version of the canonical records.
        first_leaf: the first leaf.
        ranges: (end, batch ID or None) pairs.
        limits: a ``row_blocks.BlockLimits``.
        program: filter of the records to keep; None to keep none.
        most_bytes: bytes of records to keep, about.

    Returns:
        The hashes and the states of the leaves, the kept records as (leaf, record) pairs, and whether any were dropped.
    """
    cdef BlockLimits block_limits
    block_limits.row_bytes, block_limits.block_bytes = limits.row_bytes, limits.block_bytes
    cdef vector[Range] expected
    cdef uint64_t end_leaf = first_leaf
    for end, batch_id in ranges:
        if end < end_leaf:
            raise ValueError("the ranges are not in order")
        end_leaf = end
        expected.push_back(_range(end, batch_id))
    cdef bytes hashes = _zeros((end_leaf - first_leaf) * kHashSize)
    cdef bytes states = _zeros(end_leaf - first_leaf)
    cdef RecordFilter* wanted = NULL
    cdef RowHasher* hasher = NULL
    cdef BlockReader* blocks = NULL
    cdef list kept
    cdef bint dropped
    try:
        if program is not None:
            wanted = new RecordFilter(_view(program), _view(kinds))
        hasher = new RowHasher(
            _view(kinds),
            version,
            first_leaf,
            expected,
            PyBytes_AS_STRING(hashes),
            PyBytes_AS_STRING(states),
            wanted,
            most_bytes,
        )
        blocks = new BlockReader(hasher.columns(), block_limits, hasher.taker())
        _feed_all(blocks, pieces)
        kept = [(one.leaf, <bytes>one.record) for one in hasher.kept()]
        dropped = hasher.dropped()
    finally:
        del blocks
        del hasher
        del wanted
    return hashes, states, kept, dropped


cdef class MapSorter:
    """Sorter of maps, which does what ``server.notary.map_order.sort_maps`` does. Its memory serves all records."""

    cdef CppMapSorter* _sorter

    def __cinit__(self, bytes kinds):
        """Create a sorter for records of some kinds, in the form of ``hash_blocks``."""
        self._sorter = new CppMapSorter(_view(kinds))

    def __dealloc__(self):
        del self._sorter

    # The GIL is held, so that threads can share a sorter.
    def __call__(self, bytes record):
        """Return the canonical record, and whether the values of each repeated key were in order."""
        cdef boolean in_order = False
        cdef View view = _view(record)
        try:
            if not self._sorter.is_record(view, in_order):
                raise MalformedError("the bytes are not one record")
        except ValueError as error:
            raise MalformedError(str(error)) from None
        if in_order:
            return record, True
        cdef bint values_in_order = self._sorter.sort(view, UINT64_MAX)
        cdef View canonical = self._sorter.record()
        return PyBytes_FromStringAndSize(canonical.data(), canonical.size()), values_in_order


def holds(bytes program, bytes kinds, uint64_t leaf, bytes record):
    """Return whether a filter admits the record of a leaf.

    Raises:
        MalformedError: the record ends too early.
        ValueError: the program is malformed.
    """
    cdef RecordFilter* wanted = new RecordFilter(_view(program), _view(kinds))
    try:
        return wanted.holds(_view(record), leaf)
    except ValueError as error:
        raise MalformedError(str(error)) from None
    finally:
        del wanted


cdef View _view(bytes data):
    return View(PyBytes_AS_STRING(data), len(data))


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


cdef _feed_all(BlockReader* blocks, object pieces):
    cdef bytes piece
    for piece in pieces:
        _feed(blocks, piece)
    if not _feed(blocks, None):
        raise MalformedError("the blocks end within one")


cdef bint _feed(BlockReader* blocks, bytes piece) except -1:
    """Feed a piece, or finish if there is none; return whether the blocks may end here."""
    cdef View view
    cdef bint is_complete = True
    try:
        if piece is None:
            with nogil:
                is_complete = blocks.finish()
        else:
            view = _view(piece)
            with nogil:
                blocks.feed(view)
    except ValueError as error:
        raise MalformedError(str(error)) from None
    except OverflowError as error:
        raise RowTooLongError(str(error)) from None
    return is_complete
