// Log records: read, classified, and written to the rows of both of their streams.
#pragma once

#include "classifier.hpp"
#include "encoder.hpp"

namespace lognotary {

// Members of the OtlpDetails of one record, as server/codec/annotations.py describes.
struct Annotation {
  uint64_t record;  // its number in the request, from 0
  View members;
};

class LogEncoder : public Encoder {
 public:
  // `rules` and `redaction` must outlive the encoder. Audit records are always hashed.
  LogEncoder(const Rules& rules, Limits limits, const Redaction& redaction, bool hash_operational = true);

  // Gives annotations to the records of the next request, in the order of the records, at most one for each. What they
  // refer to must live until the request is encoded.
  void annotate(const std::vector<Annotation>& annotations) { annotations_ = annotations; }

  const Classifier& classifier() const { return classifier_; }
  const Table& audit() const { return audit_; }
  const Table& operational() const { return operational_; }
  size_t capacity() const override {
    return Encoder::capacity() + audit_.capacity() + operational_.capacity() + others_scratch_.capacity();
  }

 private:
  void clear() override;
  void begin_resource() override;
  void begin_scope() override;
  void encode_record(View message, int depth) override;

  template <typename Use>
  void for_each_event(View events, bool are_objects, Use use);
  void encode_events(View events, bool are_objects);
  uint64_t bytes_repeated();
  Facts facts(View body) const;
  void append_rules();
  // Appends the commitments of the record, or of an event with these in its body; sets `disclosed_`.
  void append_commitments_of_record();
  void append_commitments_of_event(const std::vector<uint32_t>& in_event);
  void find_annotation();

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
  Arena list_arena_;   // texts of one list of events in it
  AttributeLists attributes_;
  char trace_hex_[32], span_hex_[16];
  View trace_id_, span_id_;
  View redactions_;
  DisclosedRange body_disclosed_, others_disclosed_;  // in the body, and in the attributes
  std::vector<uint32_t> disclosed_;                   // numbers of the row's own disclosures
  EventCommitments event_commitments_;
  AuditFields audit_fields_;
  std::string details_scratch_, others_scratch_;
  std::vector<Annotation> annotations_;  // of the records of this request
  size_t next_annotation_ = 0;
  std::string annotation_;  // of this record, with a comma behind it
  Table audit_, operational_;
};

}  // namespace lognotary
