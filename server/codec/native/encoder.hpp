// The compiled codec: from a request's bytes to rows, in one pass over its records.
//
// server/codec/reference.py is the definition; this makes the same bytes. Here is what both signals have in common: the
// way to the records, resources and scopes. Comments that speak of records mean spans, too.
#pragma once

#include "attributes.hpp"
#include "commitments.hpp"
#include "digest.hpp"
#include "signals.hpp"

namespace lognotary {

struct Limits {
  uint64_t records;   // of a request
  uint64_t repeated;  // bytes of resources and scopes, counted for each record
  uint64_t disclosed = UINT64_MAX;  // values that are replaced by commitments
};

// Encodes one request after another, and keeps its memory for the next one.
class Encoder {
 public:
  // Hashing: whether any of its tables has leaf hashes. `redaction` must outlive the encoder.
  Encoder(Signal signal, Limits limits, const Redaction& redaction, bool hashing)
      : redactor_(redaction), signal_(signal), limits_(limits), hashing_(hashing) {}
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;
  virtual ~Encoder() = default;

  // Encodes a request; its rows replace the rows of the last request. The salts of commitments follow from `seed`. Throws
  // Refused and std::bad_alloc.
  void encode(View request, int64_t ingested_at, View seed = View());

  // Sets the tenant and the sender of the next request, which must outlive its encoding.
  void set_provenance(View tenant, View sender) {
    tenant_ = tenant;
    sender_ = sender;
  }

  // What commitments stand for in the rows, until the next request.
  const std::vector<Disclosed>& disclosed() const { return redactor_.disclosed(); }

  Signal signal() const { return signal_; }

  // Returns the bytes that are kept for the next request.
  virtual size_t capacity() const {
    return record_bytes_.capacity() + details_.capacity() + disclosed().size() * kDisclosedSize;
  }

 protected:
  // What a resource, or a scope, gives to all of its records.
  struct Owner {
    std::vector<Member> members;  // its attributes
    std::vector<Repeated> repeated;
    Buffer map;     // as it stands in a canonical record
    Buffer values;  // as they stand in a Map column
    std::string details;
    View schema_url;
    Arena arena;
    Redacted redacted;   // of a scope: with what was replaced in its resource
    std::string listed;  // of a scope and its resource: their commitments, as append_listed writes them

    void set_members();  // sorts members, and fills what follows from them: `repeated`, `map` and `values`
  };

  virtual void clear() = 0;       // what is left of the last request
  virtual void begin_resource() {}  // `resource_` has been read
  virtual void begin_scope() {}     // `scope_` has been read
  virtual void encode_record(View message, int depth) = 0;

  // Makes room for the rest of a canonical record, behind `shared_`, and writes to `table` what rows share.
  void begin_row(Table& table, int64_t timestamp, size_t most_bytes);
  void finish_row(Table& table);  // counts what was redacted, and hashes the canonical record, if that is wanted
  int64_t next_ingested_at() { return std::min(ingested_at_++, end_of_day_); }  // keeps the order of the request

  // Returns the whole OtlpDetails: those of a record, as details.hpp makes them, those of its scope and resource, and
  // what else there is to tell.
  View details(View of_record, View others = View());

  // Returns the number of disclosures so far.
  uint32_t disclosures() const { return static_cast<uint32_t>(disclosed().size()); }

  // Append the member of OtlpDetails that lists commitments: those of resource and scope, and those of a record, which
  // append_listed writes between the two calls. Without any, nothing is left of it.
  void begin_commitments(std::string& out) const;
  static void end_commitments(std::string& out);

  // Returns what redacts, or null; what is replaced is counted from the owner on that is given.
  Redactor* redactor(const Redacted& owner) {
    if (!redactor_.on()) return nullptr;
    redactor_.redacted() = owner;
    return &redactor_;
  }

  int64_t received_at() const { return std::min(ingested_at_, end_of_day_); }  // of the next record

  uint64_t record_number() const { return records_ - 1; }  // of the record being encoded, from 0 in the request

  uint64_t bytes_of_source() const;  // of the texts of resource and scope, without details

  // Counts the record of an event, which has so many bytes in common with others; false if these are too many.
  bool count_event(uint64_t repeated);

  // Writes to the rest of the canonical record and to a column alike.
  template <typename T>
  void put(Buffer& column, T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
    column.put(value);
  }
  void put_string(Buffer& column, View text) {
    // Both from the request: to read back what has just been written would wait for the writing.
    at_ += write_string(at_, text);
    column.put_string(text);
  }
  void put_word(WordColumn& column, View word) {
    at_ += write_string(at_, word);
    column.put(word);
  }

  Redactor redactor_;
  Owner resource_, scope_;
  View service_name_, scope_name_;
  char* at_ = nullptr;  // where the canonical record goes on behind `shared_`; there is room for all of it

 private:
  void encode_all(View request, bool scopes_are_late);
  void encode_resource(View resource_logs, int depth);
  void encode_scope(View scope_logs, int depth);
  void share();
  const SharedNumbers& numbers(Table& table);
  bool has_too_many_events() const;
  static void write_map(MapColumn& column, const std::vector<uint32_t>& keys, const Buffer& values);

  const Signal signal_;
  const Limits limits_;
  [[maybe_unused]] const bool hashing_;  // without libcrypto, Python hashes
  View seed_, tenant_, sender_;
  int64_t received_ = 0;     // when the request was received
  int64_t ingested_at_ = 0;  // of the next record: a nanosecond later than the one before it
  int64_t end_of_day_ = 0;
  bool scopes_are_late_ = false;
  uint64_t records_ = 0;
  uint64_t repeated_ = 0;
  uint64_t events_ = 0;
  uint64_t repeated_by_events_ = 0;

  View scope_version_;
  Buffer shared_;           // the beginning of the canonical record, up to ScopeAttributes
  Buffer scope_name_data_;  // as a String
  uint64_t source_ = 0;     // number of the resource and scope in `shared_`, from 1
  std::string details_;
  Buffer record_bytes_;
#ifdef LOGNOTARY_LIBCRYPTO
  SharedSha256 sha256_;
#endif
};

// Returns the bytes of the texts of attributes.
uint64_t size_of(const std::vector<Member>& members);

}  // namespace lognotary
