// Log records: read, classified, and written to the rows of both of their streams.
#pragma once

#include "classifier.hpp"
#include "encoder.hpp"

namespace lognotary {

class LogEncoder : public Encoder {
 public:
  // `rules` must outlive the encoder. Audit records are always hashed.
  LogEncoder(const Rules& rules, Limits limits, bool hash_operational = true);

  const Classifier& classifier() const { return classifier_; }
  const Table& audit() const { return audit_; }
  const Table& operational() const { return operational_; }
  size_t capacity() const override { return Encoder::capacity() + audit_.capacity() + operational_.capacity(); }

 private:
  void clear() override;
  void begin_resource() override;
  void begin_scope() override;
  void encode_record(View message, int depth) override;

  void fill_log_slots();
  void encode_events(View events);
  uint64_t bytes_repeated();
  Facts facts(View body) const;
  void append_rules();

  View record_details(View body_type);
  // Writes `record_`, or an event in it, to a table.
  void write(Table& table, View body, View details, bool is_audit);
  size_t most_bytes(View body, View details, bool is_audit) const;
  void write_audit(Table& table);

  const Rules& rules_;
  Classifier classifier_;
  Record record_;
  Arena arena_;  // texts of this record
  Arena event_arena_;  // texts of one event in it
  AttributeLists attributes_;
  std::vector<uint32_t> key_slots_;  // number of a key -> its place in the rules
  char trace_hex_[32], span_hex_[16];
  View trace_id_, span_id_;
  AuditFields audit_fields_;
  std::string details_scratch_, others_scratch_;
  Table audit_, operational_;
};

}  // namespace lognotary
