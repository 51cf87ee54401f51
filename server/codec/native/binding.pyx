# cython: language_level=3, binding=True
# distutils: language = c++
"""Python binding of the compiled codec: bytes in, bytes out. ``server.codec.native_codec`` names the parts."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

from hashlib import sha256


cdef extern from "<string_view>" namespace "std" nogil:
    cdef cppclass View "std::string_view":
        View()
        View(const char*, size_t)
        const char* data() const
        size_t size() const

cdef extern from "log_encoder.hpp" namespace "lognotary" nogil:
    const bint kHasSha256

    cdef cppclass Buffer:
        const char* data() const
        size_t size() const

    cdef cppclass Dictionary:
        View operator[](uint32_t) const
        size_t size() const

    cdef cppclass WordColumn:
        Dictionary dictionary
        Buffer indexes

    cdef cppclass MapColumn:
        Buffer lengths
        WordColumn keys
        Buffer values

    cdef cppclass Table:
        bint hashed
        uint64_t count
        int64_t min_timestamp
        int64_t max_timestamp
        Buffer* plain
        WordColumn* words
        MapColumn* maps
        Buffer* lengths
        Buffer leaf_hashes
        Buffer records
        Buffer record_ends
        uint64_t* redacted
        vector[uint32_t] disclosed
        vector[uint32_t] disclosed_ends

    cdef cppclass CppRules "lognotary::Rules":
        CppRules(View) except +

    cdef enum class RedactionMode(unsigned char):
        kOff, kRemove, kHash, kDisclose

    cdef cppclass CppRedaction "lognotary::Redaction":
        CppRedaction(string)
        void add_rule(string, RedactionMode) except +
        void add_word(vector[string], int, bint, bint, bint, bint, bint, bint) except +
        void add_not_secret(string) except +
        void add_not_option(string) except +
        void add_kept(string) except +
        void add_kept_words(vector[string]) except +
        void add_scheme(string, bint, bint) except +
        void add_prefix(string, size_t, int, int, size_t, size_t, bint) except +

    const int kRedactionRules

    cdef cppclass CppKeyWord "lognotary::KeyWord":
        int rule
        bint prose, counts, parts, paths, alone, parameter

    cdef cppclass CppRedactor "lognotary::Redactor":
        CppRedactor(const CppRedaction&) except +
        const CppKeyWord* find(View) except +

    cdef cppclass Annotation:
        uint64_t record
        View members

    cdef cppclass Limits:
        uint64_t records
        uint64_t repeated
        uint64_t disclosed

cdef extern from "binding.hpp" namespace "lognotary" nogil:
    cdef cppclass ColumnCounts:
        int plain, words, maps, arrays

    const ColumnCounts kAuditColumns, kOperationalColumns, kSpanColumns

    cdef cppclass Disclosed:
        int rule
        string salt
        string value

    cdef cppclass CppEncoder "lognotary::Encoder":
        size_t capacity() const
        void set_provenance(View tenant, View sender)
        const vector[Disclosed]& disclosed() const

    cdef cppclass Classifier:
        uint64_t bytes_read() const

    cdef cppclass LogEncoder(CppEncoder):
        LogEncoder(const CppRules&, Limits, const CppRedaction&, bint)
        void annotate(const vector[Annotation]&) except +
        const Classifier& classifier() const
        const Table& audit() const
        const Table& operational() const

    cdef cppclass SpanEncoder(CppEncoder):
        SpanEncoder(Limits, const CppRedaction&, bint)
        const Table& spans() const

    cdef enum class Level(unsigned char):
        pass

    cdef enum class UnreadReason(unsigned char):
        pass

    cdef cppclass Unread:
        UnreadReason reason
        uint32_t number
        Level level
        uint64_t resource_logs
        uint64_t scope_logs
        uint64_t record

    bint is_kept(const CppKeyWord*)
    bint redact_text(CppRedactor&, View, string& redacted) except +
    uint64_t count_values(View record) except +
    bint contains_text "lognotary::has_text"(View text, View wanted) nogil

    # Returns 0, or 1 + the Refusal, and fills what is unread if that is it.
    int encode(CppEncoder& encoder, View request, int64_t ingested_at, View seed, Unread& unread) except +

cdef extern from "regex.hpp" namespace "lognotary" nogil:
    cdef cppclass CppRegexScratch "lognotary::RegexScratch":
        uint64_t steps() const

    cdef cppclass CppRegex "lognotary::Regex":
        CppRegex(const vector[uint32_t]&) except +
        size_t groups() const
        bint search(View text, View* groups, CppRegexScratch& scratch) except +


HAS_SHA256 = bool(kHasSha256)


class RefusedError(Exception):
    """The request is refused; the arguments are the number of the C++ Refusal, and the fields of the C++ Unread."""


cdef bytes _copy(View view):
    return PyBytes_FromStringAndSize(view.data(), <Py_ssize_t>view.size())


cdef bytes _bytes(const Buffer& buffer):
    return PyBytes_FromStringAndSize(buffer.data(), <Py_ssize_t>buffer.size())


cdef tuple _dictionary(const Dictionary& dictionary):
    return tuple([
        PyBytes_FromStringAndSize(dictionary[i].data(), <Py_ssize_t>dictionary[i].size())
        for i in range(<uint32_t>dictionary.size())
    ])


cdef class Rules:
    """Audit rules, ready for the codec."""

    cdef CppRules* rules

    def __cinit__(self, bytes program):
        self.rules = new CppRules(View(PyBytes_AS_STRING(program), len(program)))

    def __dealloc__(self):
        del self.rules


cdef class Redaction:
    """Redaction as it is configured, ready for the codec."""

    cdef CppRedaction* redaction

    def __cinit__(self, bytes key):
        self.redaction = new CppRedaction(key)

    def __dealloc__(self):
        del self.redaction

    def add_rule(self, bytes name, int mode):
        self.redaction.add_rule(name, <RedactionMode>mode)

    def add_word(self, list words, int rule, bint prose, bint counts, bint parts, bint paths, bint alone, bint parameter):
        self.redaction.add_word(words, rule, prose, counts, parts, paths, alone, parameter)

    def add_not_secret(self, bytes word):
        self.redaction.add_not_secret(word)

    def add_not_option(self, bytes word):
        self.redaction.add_not_option(word)

    def add_kept_words(self, list words):
        self.redaction.add_kept_words(words)

    def add_kept(self, bytes key):
        self.redaction.add_kept(key)

    def add_scheme(self, bytes name, bint parameters, bint of_header):
        self.redaction.add_scheme(name, parameters, of_header)

    def add_prefix(self, bytes text, size_t stop, int rule, int characters, size_t shortest, size_t longest,
                   bint digit):
        self.redaction.add_prefix(text, stop, rule, characters, shortest, longest, digit)


cdef class TextRedactor:
    """Redacts one text at a time, and finds the keys of secrets, as encoders do. Disclosures are not kept."""

    cdef CppRedactor* redactor
    cdef Redaction redaction  # the C++ redactor refers to it

    def __cinit__(self, Redaction redaction):
        self.redaction = redaction
        self.redactor = new CppRedactor(redaction.redaction[0])

    def __dealloc__(self):
        del self.redactor

    def redact(self, bytes text):
        cdef View view = View(PyBytes_AS_STRING(text), len(text))
        cdef string redacted
        cdef bint changed
        with nogil:
            changed = redact_text(self.redactor[0], view, redacted)
        return <bytes>redacted if changed else text

    def find(self, bytes key):
        cdef const CppKeyWord* word = self.redactor.find(View(PyBytes_AS_STRING(key), len(key)))
        if word == NULL:
            return None
        if is_kept(word):
            return ()
        return (<int>word.rule, word.prose, word.counts, word.parts, word.paths, word.alone, word.parameter)


def has_text(bytes text, bytes wanted):
    """Return whether bytes have others, which are not empty, in them: as ``operator.contains``."""
    return contains_text(View(PyBytes_AS_STRING(text), len(text)), View(PyBytes_AS_STRING(wanted), len(wanted)))


def values_in(bytes record):
    """Return the number of attributes, members and elements in a serialized LogRecord; 0 if it is malformed."""
    return count_values(View(PyBytes_AS_STRING(record), len(record)))


cdef class Encoder:
    """Encodes one request at a time, in memory that it keeps."""

    cdef LogEncoder* logs
    cdef SpanEncoder* traces
    cdef Rules rules  # the C++ encoders refer to them
    cdef Redaction redaction

    def __cinit__(
        self,
        Rules rules,
        uint64_t max_records,
        uint64_t max_repeated,
        uint64_t max_disclosed,
        Redaction redaction,
        bint hash_operational,
        bint hash_spans,
    ):
        cdef Limits limits
        limits.records = max_records
        limits.repeated = max_repeated
        limits.disclosed = max_disclosed
        self.rules = rules
        self.redaction = redaction
        self.logs = new LogEncoder(rules.rules[0], limits, redaction.redaction[0], hash_operational)
        self.traces = new SpanEncoder(limits, redaction.redaction[0], hash_spans)

    def __dealloc__(self):
        del self.logs
        del self.traces

    @property
    def capacity(self):
        return self.logs.capacity() + self.traces.capacity()

    @property
    def disclosed(self):
        cdef const Table* audit = &self.logs.audit()
        return (
            _disclosed(self.logs.disclosed()),
            [audit.disclosed[i] for i in range(audit.disclosed.size())],
            [audit.disclosed_ends[i] for i in range(audit.disclosed_ends.size())],
        )

    @property
    def disclosed_spans(self):
        return _disclosed(self.traces.disclosed())

    @property
    def bytes_read(self):
        return self.logs.classifier().bytes_read()

    def encode(self, bytes request, int64_t ingested_at, annotations, bytes seed, bytes tenant, bytes sender):
        cdef vector[Annotation] views  # of bytes that the caller's sequence keeps alive
        cdef Annotation view
        for number, members in annotations:
            view.record = number
            view.members = View(PyBytes_AS_STRING(members), len(members))
            views.push_back(view)
        self.logs.annotate(views)
        self.logs.set_provenance(_view(tenant), _view(sender))
        _encode(self.logs, request, ingested_at, seed)
        return _table(self.logs.audit(), kAuditColumns), _table(self.logs.operational(), kOperationalColumns)

    def encode_spans(self, bytes request, int64_t ingested_at, bytes seed, bytes tenant, bytes sender):
        self.traces.set_provenance(_view(tenant), _view(sender))
        _encode(self.traces, request, ingested_at, seed)
        return _table(self.traces.spans(), kSpanColumns)


cdef View _view(bytes text):
    return View(PyBytes_AS_STRING(text), len(text))


cdef list _disclosed(const vector[Disclosed]& disclosed):
    return [(<int>disclosed[i].rule, <bytes>disclosed[i].salt, <bytes>disclosed[i].value) for i in range(disclosed.size())]


cdef int _encode(CppEncoder* encoder, bytes request, int64_t ingested_at, bytes seed) except -1:
    cdef View view = View(PyBytes_AS_STRING(request), len(request))
    cdef View seed_view = View(PyBytes_AS_STRING(seed), len(seed))
    cdef int refusal
    cdef Unread unread
    with nogil:
        refusal = encode(encoder[0], view, ingested_at, seed_view, unread)
    if refusal:
        raise RefusedError(
            refusal - 1,
            <int>unread.reason,
            unread.number,
            <int>unread.level,
            unread.resource_logs,
            unread.scope_logs,
            unread.record,
        )
    return 0


cdef object _table(const Table& table, ColumnCounts columns):
    if table.count == 0:
        return None
    return (
        table.count,
        table.min_timestamp,
        table.max_timestamp,
        [_bytes(table.plain[i]) for i in range(columns.plain)],
        [(_dictionary(table.words[i].dictionary), _bytes(table.words[i].indexes)) for i in range(columns.words)],
        [
            (
                _bytes(table.maps[i].lengths),
                _dictionary(table.maps[i].keys.dictionary),
                _bytes(table.maps[i].keys.indexes),
                _bytes(table.maps[i].values),
            )
            for i in range(columns.maps)
        ],
        [_bytes(table.lengths[i]) for i in range(columns.arrays)],
        _leaf_hashes(table),
        [table.redacted[i] for i in range(kRedactionRules)],
    )


cdef bytes _leaf_hashes(const Table& table):
    if kHasSha256 or not table.hashed:
        return _bytes(table.leaf_hashes)
    cdef const uint64_t* ends = <const uint64_t*>table.record_ends.data()
    cdef uint64_t start = 0
    cdef list leaves = []
    for i in range(table.count):
        record = PyBytes_FromStringAndSize(table.records.data() + start, <Py_ssize_t>(ends[i] - start))
        leaves.append(sha256(b"\x00" + sha256(record).digest()).digest())
        start = ends[i]
    return b"".join(leaves)


cdef class RegexScratch:
    """Memory of searches, for one thread at a time."""

    cdef CppRegexScratch scratch

    @property
    def steps(self):
        return self.scratch.steps()


cdef class Regex:
    """A compiled regular expression."""

    cdef CppRegex* regex

    def __cinit__(self, list encoded):
        self.regex = new CppRegex(encoded)

    def __dealloc__(self):
        del self.regex

    def search(self, bytes text, RegexScratch scratch):
        cdef View view = View(PyBytes_AS_STRING(text), len(text))
        cdef vector[View] groups = vector[View](self.regex.groups())
        cdef bint found
        with nogil:
            found = self.regex.search(view, groups.data(), scratch.scratch)
        return tuple([_copy(group) for group in groups]) if found else None
