#include "log_encoder.hpp"

#include <algorithm>

#include "details.hpp"
#include "unread.hpp"

namespace lognotary {

using namespace log_columns;

namespace {

// Returns the types of a record's scalars and whether it has a time, 0 where there is more to tell.
uint64_t shape_of_record(const Record& record) {
  if (record.body.kind >= Kind::kArray) return 0;
  const uint64_t body = 8 | static_cast<uint64_t>(record.body.kind);
  return shape_of(record.attributes, body << 1 | static_cast<uint64_t>(record.time == 0));
}

}  // namespace

LogEncoder::LogEncoder(const Rules& rules, Limits limits, const Redaction& redaction, bool hash_operational)
    : Encoder(Signal::kLogs, limits, redaction, true),
      rules_(rules),
      slots_(rules.slots()),
      scope_slots_(rules.slots()),
      resource_slots_(rules.slots()) {
  operational_.hashed = hash_operational;
}

void LogEncoder::clear() {
  audit_.clear();
  operational_.clear();
  attributes_.clear();
  key_slots_.clear();
}

void LogEncoder::encode_record(View message, int depth) {
  record_.clear();
  arena_.clear();
  if (!read_record(message, depth, record_, arena_)) require_read(message, signal(), Level::kLogRecord, depth);

  char trace_hex[32], span_hex[16];
  const View trace_id = hex_id(record_.trace_id, 16, trace_hex);
  const View span_id = hex_id(record_.span_id, 8, span_hex);
  Redactor* const redactor = this->redactor(scope_.redacted);
  if (redactor != nullptr) redactor->redact_value(record_.body, arena_);
  const Text body = as_text(record_.body, arena_, redactor);
  attributes_.sort(record_.attributes, arena_, redactor);
  const View redactions = redactor_.redactions();
  fill_log_slots();
  const View details = this->details(record_details(body.type, !trace_id.empty(), !span_id.empty()));

  const Facts facts{record_.event_name,
                    scope_name_,
                    service_name_,
                    body.text,
                    static_cast<uint8_t>(record_.severity_number),
                    &slots_,
                    &scope_slots_,
                    &resource_slots_};
  const bool is_audit = rules_.classify(facts, audit_fields_, audit_scratch_);
  Table& table = is_audit ? audit_ : operational_;
  const uint64_t time = record_.time != 0 ? record_.time : record_.observed_time;
  const auto timestamp = static_cast<int64_t>(std::min(time, kMaxTime));

  // In the order of the canonical record.
  begin_row(table, timestamp, most_bytes(body.text, details, redactions, is_audit));
  put(table.plain[kTimestamp], timestamp);
  put_string(table.plain[kTraceId], trace_id);
  put_string(table.plain[kSpanId], span_id);
  put(table.plain[kTraceFlags], static_cast<uint8_t>(record_.flags));
  put_word(table.words[kSeverityText], record_.severity_text);
  put(table.plain[kSeverityNumber], static_cast<uint8_t>(record_.severity_number));
  put_string(table.plain[kBody], body.text);
  at_ = attributes_.write(at_, table.maps[kLogAttributes], is_audit);
  put_string(table.plain[kEventName], record_.event_name);
  put(table.plain[kObservedTimestamp], static_cast<int64_t>(std::min(record_.observed_time, kMaxTime)));
  put(table.plain[kFlags], record_.flags);
  put(table.plain[kDroppedAttributesCount], record_.dropped_attributes_count);
  put_word(table.words[kOtlpDetails], details);
  put(table.plain[kIngestedAt], next_ingested_at());
  put_string(table.plain[kRedactions], redactions);
  if (is_audit) write_audit(table);
  finish_row(table);
}

// Returns a size that the rest of the canonical record does not exceed.
size_t LogEncoder::most_bytes(View body, View details, View redactions, bool is_audit) const {
  const size_t size = 256 + record_.severity_text.size() + body.size() + attributes_.most_bytes() +
                      record_.event_name.size() + details.size() + redactions.size();
  if (!is_audit) return size;
  size_t audit = kLongestVarint + audit_fields_.rule.size();
  for (const View value : audit_fields_.values) audit += kLongestVarint + value.size();
  return size + audit;
}

void LogEncoder::fill(Slots& slots, const std::vector<Member>& members) const {
  slots.clear();
  for (const Member& member : members) {
    if (const uint32_t slot = rules_.slot(member.key); slot != Rules::kNoSlot) slots.set(slot, member.text);
  }
}

void LogEncoder::fill_log_slots() {
  const std::vector<Member>& members = attributes_.members();
  const Layout* const layout = attributes_.layout();
  if (layout == nullptr) {
    fill(slots_, members);
    return;
  }
  slots_.clear();
  const Dictionary& keys = attributes_.keys();
  for (size_t known = key_slots_.size(); known < keys.size(); ++known) {
    key_slots_.push_back(rules_.slot(keys[static_cast<uint32_t>(known)]));
  }
  for (size_t i = 0; i < members.size(); ++i) {
    const uint32_t slot = key_slots_[layout->keys[layout->order[i]]];
    if (slot != Rules::kNoSlot) slots_.set(slot, members[i].text);
  }
}

// Returns what only this record adds to its OtlpDetails, as details.hpp makes it.
View LogEncoder::record_details(View body_type, bool valid_trace_id, bool valid_span_id) {
  // Where nothing but types and an unset time is told, the details of a layout are the same again and again.
  Layout* const layout = attributes_.layout();
  const bool plain = layout != nullptr && (valid_trace_id || record_.trace_id.empty()) &&
                     (valid_span_id || record_.span_id.empty()) && record_.time <= kMaxTime &&
                     record_.observed_time <= kMaxTime && record_.severity_number >= 0 &&
                     record_.severity_number <= 0xFF;
  const uint64_t shape = plain ? shape_of_record(record_) : 0;
  if (shape != 0 && shape == layout->shape) return layout->details;
  details_scratch_.clear();
  append_record_details(details_scratch_, record_, valid_trace_id, valid_span_id, body_type, attributes_.members());
  if (shape != 0) {
    layout->shape = shape;
    layout->details = details_scratch_;
  }
  return details_scratch_;
}

void LogEncoder::write_audit(Table& table) {
  const auto& values = audit_fields_.values;
  put_string(table.plain[kAuditRecordId], values[kRecordIdField]);
  put_string(table.plain[kActorId], values[kActorIdField]);
  put_string(table.plain[kActorName], View());
  put_word(table.words[kActorType], values[kActorTypeField]);
  put_string(table.plain[kEffectiveActorId], View());
  put_string(table.plain[kSessionId], View());
  put_word(table.words[kAction], values[kActionField]);
  put_string(table.plain[kTargetId], values[kTargetIdField]);
  put_word(table.words[kTargetType], values[kTargetTypeField]);
  put_string(table.plain[kSourceId], values[kSourceIdField]);
  put_word(table.words[kSourceType], values[kSourceTypeField]);
  put_string(table.plain[kSourceHost], View());
  put_word(table.words[kOutcome], values[kOutcomeField]);
  put_word(table.words[kCategory], values[kCategoryField]);
  put_word(table.words[kAuditRule], audit_fields_.rule);
  put_string(table.plain[kDescription], View());
}

}  // namespace lognotary
