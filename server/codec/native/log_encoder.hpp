// Log records: read, classified, and written to the rows of both of their streams.
#pragma once

#include "encoder.hpp"
#include "rules.hpp"

namespace lognotary {

class LogEncoder : public Encoder {
 public:
  // `rules` and `redaction` must outlive the encoder. Audit records are always hashed.
  LogEncoder(const Rules& rules, Limits limits, const Redaction& redaction, bool hash_operational = true);

  const Table& audit() const { return audit_; }
  const Table& operational() const { return operational_; }
  size_t capacity() const override { return Encoder::capacity() + audit_.capacity() + operational_.capacity(); }

 private:
  void clear() override;
  void begin_resource() override { fill(resource_slots_, resource_.members); }
  void begin_scope() override { fill(scope_slots_, scope_.members); }
  void encode_record(View message, int depth) override;

  void fill(Slots& slots, const std::vector<Member>& members) const;
  void fill_log_slots();
  View record_details(View body_type, bool valid_trace_id, bool valid_span_id);
  size_t most_bytes(View body, View details, View redactions, bool is_audit) const;
  void write_audit(Table& table);

  const Rules& rules_;
  Record record_;
  Arena arena_;  // texts of this record
  AttributeLists attributes_;
  std::vector<uint32_t> key_slots_;  // number of a key -> its place in the rules
  Slots slots_, scope_slots_, resource_slots_;
  AuditFields audit_fields_;
  std::string audit_scratch_, details_scratch_;
  Table audit_, operational_;
};

}  // namespace lognotary
