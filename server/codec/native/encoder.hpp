// The compiled codec: from a request's bytes to the rows of both streams, in one pass over its records.
//
// server/codec/reference.py is the definition; this makes the same bytes.
#pragma once

#include "attributes.hpp"
#include "digest.hpp"
#include "rules.hpp"

namespace lognotary {

struct Limits {
  uint64_t records;   // of a request
  uint64_t repeated;  // bytes of resources and scopes, counted for each record
};

// Encodes one request after another, and keeps its memory for the next one. `rules` must outlive the encoder.
class Encoder {
 public:
  Encoder(const Rules& rules, Limits limits);

  // Encodes a request; its rows replace the rows of the last request. Throws Refused and std::bad_alloc.
  void encode(View request, int64_t ingested_at);

  const Table& audit() const { return audit_; }
  const Table& operational() const { return operational_; }

  // Returns the bytes that are kept for the next request.
  size_t capacity() const { return audit_.capacity() + operational_.capacity() + record_bytes_.capacity(); }

 private:
  // Numbers of what a row shares with its neighbours, in the dictionaries of one stream.
  struct SharedNumbers {
    bool known = false;
    uint32_t tenant, sender, service_name, resource_schema_url, scope_schema_url, scope_version;
    std::vector<uint32_t> resource_keys, scope_keys;
  };

  // What a resource, or a scope, gives to all of its records.
  struct Owner {
    explicit Owner(size_t slots) : slots(slots) {}
    std::vector<Member> members;  // its attributes
    Slots slots;
    Buffer map;     // as it stands in a canonical record
    Buffer values;  // as they stand in a Map column
    std::string details;
    View schema_url;
    Arena arena;
  };

  void encode_all(View request, bool scopes_are_late);
  void encode_resource(View resource_logs, int depth);
  void encode_scope(View scope_logs, int depth);
  void encode_record(View message, int depth);

  void set_attributes(Owner& owner, const std::vector<Attribute>& attributes);
  void share(const Scope& scope);
  void sort_log_attributes();
  View record_details(View body_type, bool valid_trace_id, bool valid_span_id);
  void write_details(View record_details);
  void write_shared(Table& table);
  void write_log_attributes(Table& table);
  void write_audit(Table& table);
  void finish(Table& table, View rest);
  size_t most_bytes(View body, bool is_audit) const;
  SharedNumbers& numbers(Table& table);
  static void write_map(MapColumn& column, const std::vector<uint32_t>& keys, const Buffer& values);

  // Writes to the rest of the canonical record and to a column alike.
  template <typename T>
  void put(Buffer& column, T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
    column.put(value);
  }
  void put_string(Buffer& column, View text);
  void put_word(WordColumn& column, View word);

  const Rules& rules_;
  const Limits limits_;
  int64_t received_ = 0;     // when the request was received
  int64_t ingested_at_ = 0;  // of the next record: a nanosecond later than the one before it
  int64_t end_of_day_ = 0;
  bool scopes_are_late_ = false;
  uint64_t records_ = 0;
  uint64_t repeated_ = 0;

  Owner resource_, scope_;
  View service_name_, scope_name_;
  View scope_version_;
  Buffer shared_;           // the beginning of the canonical record, up to ScopeAttributes
  Buffer scope_name_data_;  // as a String
  SharedNumbers audit_numbers_, operational_numbers_;

  Record record_;
  Arena arena_;  // texts of this record
  Layouts layouts_;
  Layout* layout_ = nullptr;  // of this record, where its keys alone decide about their order
  std::vector<uint32_t> key_slots_;  // number of a key -> its place in the rules
  std::vector<Member> members_;
  Slots slots_;
  AuditFields audit_fields_;
  std::string audit_scratch_, details_scratch_, details_;
  Buffer record_bytes_;
  char* at_ = nullptr;  // where the canonical record goes on behind `shared_`; there is room for all of it

  Table audit_, operational_;
#ifdef LOGNOTARY_LIBCRYPTO
  SharedSha256 sha256_;
#endif
};

}  // namespace lognotary
