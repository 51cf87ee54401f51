#include "log_encoder.hpp"

#include <algorithm>

#include "details.hpp"
#include "unread.hpp"

namespace lognotary {

using namespace log_columns;

namespace {

// Returns the types of a record's scalars and whether it has a time, 0 where there is more to tell.
uint64_t shape_of_record(const Record& record, View body_type) {
  const Kind kind = body_type == types::kString ? Kind::kString : record.body.kind;
  if (kind >= Kind::kArray) return 0;
  const uint64_t body = 8 | static_cast<uint64_t>(kind);
  return shape_of(record.attributes, body << 1 | static_cast<uint64_t>(record.time == 0));
}

// Returns the body as rules see it: of bytes, the text in them, if they are one.
View text_of(const Value& body, View text) {
  return body.kind == Kind::kBytes && !body.bytes.empty() && is_utf8(body.bytes) ? body.bytes : text;
}

}  // namespace

LogEncoder::LogEncoder(const Rules& rules, Limits limits, const Redaction& redaction, bool hash_operational)
    : Encoder(Signal::kLogs, limits, redaction, true), rules_(rules), classifier_(rules) {
  operational_.hashed = hash_operational;
}

void LogEncoder::clear() {
  audit_.clear();
  operational_.clear();
  attributes_.clear();
  classifier_.begin_request();
  next_annotation_ = 0;
}

void LogEncoder::begin_resource() {
  classifier_.begin_resource(service_name_, resource_.members, resource_.repeated);
}

void LogEncoder::begin_scope() { classifier_.begin_scope(scope_name_, scope_.members, scope_.repeated); }

void LogEncoder::encode_record(View message, int depth) {
  record_.clear();
  arena_.clear();
  if (!read_record(message, depth, record_, arena_)) require_read(message, signal(), Level::kLogRecord, depth);

  trace_id_ = hex_id(record_.trace_id, 16, trace_hex_);
  span_id_ = hex_id(record_.span_id, 8, span_hex_);
  Redactor* const redactor = this->redactor(scope_.redacted);
  body_disclosed_.from = disclosures();
  if (redactor != nullptr) redactor->redact_value(record_.body, arena_);
  const Text body = as_text(record_.body, arena_, redactor);
  body_disclosed_.to = others_disclosed_.from = disclosures();
  attributes_.sort(record_.attributes, arena_, redactor);
  redactions_ = redactor_.redactions();
  others_disclosed_.to = disclosures();

  View events;
  const Verdict verdict =
      classifier_.classify(facts(text_of(record_.body, body.text)), attributes_, arena_, audit_fields_, events);
  const bool is_audit = verdict == Verdict::kAudit;
  find_annotation();
  others_scratch_ = annotation_;
  if (is_audit) append_rules();
  append_commitments_of_record();
  write(is_audit ? audit_ : operational_, body.text, details(record_details(body.type), others_scratch_), is_audit);
  if (verdict == Verdict::kEvents) encode_events(events, false);
  if (verdict == Verdict::kObjects) encode_events(text_of(record_.body, body.text), true);
}

// Calls `use` with each event until it returns false: with the elements of a list; or with each of several objects,
// and with the elements of those that are lists of events themselves.
template <typename Use>
void LogEncoder::for_each_event(View events, bool are_objects, Use use) {
  const auto use_elements = [&](View list) {
    const View member = classifier_.event_member();
    for (Elements elements(list); elements.next();) {
      event_arena_.clear();
      const View element = elements.text(event_arena_);
      if (!use(member.empty() ? element : member_of(element, member, event_arena_))) return false;
    }
    return true;
  };
  if (!are_objects) {
    use_elements(events);
    return;
  }
  Objects objects(events);
  while (true) {
    list_arena_.clear();
    event_arena_.clear();
    if (!objects.next(list_arena_)) return;
    View list;
    const bool is_list = classifier_.is_list_of_events(facts(objects.text()), list_arena_, list);
    if (!(is_list ? use_elements(list) : use(objects.text()))) return;
  }
}

// Events become audit records, with everything of the record but its body.
void LogEncoder::encode_events(View events, bool are_objects) {
  classifier_.begin_events();
  event_commitments_.begin(disclosed(), body_disclosed_);
  size_t total = 0, number = 0;
  for_each_event(events, are_objects, [&](View) { return ++total > 0; });
  const uint64_t repeated = bytes_repeated();
  for_each_event(events, are_objects, [&](View event) {
    ++number;
    if (!classifier_.classify_event(facts(event), event_arena_, audit_fields_)) return true;
    if (!count_event(repeated)) return false;
    others_scratch_ = annotation_ + "\"event\":[" + std::to_string(number) + ',' + std::to_string(total) + "],";
    append_rules();
    append_commitments_of_event(event_commitments_.find(event));
    write(audit_, event, details(record_details(types::kString), others_scratch_), true);
    return true;
  });
}

Facts LogEncoder::facts(View body) const {
  return {record_.event_name, record_.severity_text, static_cast<uint8_t>(record_.severity_number), body};
}

void LogEncoder::find_annotation() {
  annotation_.clear();
  if (next_annotation_ == annotations_.size() || annotations_[next_annotation_].record != record_number()) return;
  annotation_ = annotations_[next_annotation_++].members;
  annotation_ += ',';
}

void LogEncoder::append_rules() {
  others_scratch_ += "\"rules\":\"";
  others_scratch_ += rules_.digest();
  others_scratch_ += "\",";
}

void LogEncoder::append_commitments_of_record() {
  if (!redactor_.discloses()) return;
  begin_commitments(others_scratch_);
  append_listed(others_scratch_, disclosed(), {body_disclosed_.from, others_disclosed_.to});
  end_commitments(others_scratch_);
  disclosed_.clear();
  for (uint32_t i = body_disclosed_.from; i < others_disclosed_.to; ++i) disclosed_.push_back(i);
}

void LogEncoder::append_commitments_of_event(const std::vector<uint32_t>& in_event) {
  if (!redactor_.discloses()) return;
  begin_commitments(others_scratch_);
  for (const uint32_t i : in_event) append_listed(others_scratch_, disclosed(), {i, i + 1});
  append_listed(others_scratch_, disclosed(), others_disclosed_);
  end_commitments(others_scratch_);
  disclosed_ = in_event;
  for (uint32_t i = others_disclosed_.from; i < others_disclosed_.to; ++i) disclosed_.push_back(i);
}

// Returns the bytes that the records of all events of a list repeat.
uint64_t LogEncoder::bytes_repeated() {
  return bytes_of_source() + size_of(attributes_.members()) + record_.event_name.size() +
         record_.severity_text.size() + redactions_.size() +
         details(record_details(types::kString), annotation_).size() + scope_.listed.size() +
         kListedSize * others_disclosed_.size();
}

void LogEncoder::write(Table& table, View body, View details, bool is_audit) {
  // A record without any time counts as of its receipt.
  const uint64_t time = record_.time != 0 ? record_.time : record_.observed_time;
  const auto timestamp = time != 0 ? static_cast<int64_t>(std::min(time, kMaxTime)) : received_at();

  // In the order of the canonical record.
  begin_row(table, timestamp, most_bytes(body, details, is_audit));
  put(table.plain[kTimestamp], timestamp);
  put_string(table.plain[kTraceId], trace_id_);
  put_string(table.plain[kSpanId], span_id_);
  put(table.plain[kTraceFlags], static_cast<uint8_t>(record_.flags));
  put_word(table.words[kSeverityText], record_.severity_text);
  put(table.plain[kSeverityNumber], static_cast<uint8_t>(record_.severity_number));
  put_string(table.plain[kBody], body);
  at_ = attributes_.write(at_, table.maps[kLogAttributes], is_audit);
  put_string(table.plain[kEventName], record_.event_name);
  put(table.plain[kObservedTimestamp], static_cast<int64_t>(std::min(record_.observed_time, kMaxTime)));
  put(table.plain[kFlags], record_.flags);
  put(table.plain[kDroppedAttributesCount], record_.dropped_attributes_count);
  put_word(table.words[kOtlpDetails], details);
  put(table.plain[kIngestedAt], next_ingested_at());
  put_string(table.plain[kRedactions], redactions_);
  if (is_audit) write_audit(table);
  if (redactor_.discloses() && is_audit) {
    table.disclosed.insert(table.disclosed.end(), disclosed_.begin(), disclosed_.end());
    table.disclosed_ends.push_back(static_cast<uint32_t>(table.disclosed.size()));
  }
  finish_row(table);
}

// Returns a size that the rest of the canonical record does not exceed.
size_t LogEncoder::most_bytes(View body, View details, bool is_audit) const {
  const size_t size = 256 + record_.severity_text.size() + body.size() + attributes_.most_bytes() +
                      record_.event_name.size() + details.size() + redactions_.size();
  if (!is_audit) return size;
  size_t audit = kLongestVarint + audit_fields_.rule.size();
  for (const View value : audit_fields_.values) audit += kLongestVarint + value.size();
  return size + audit;
}

// Returns what only this record adds to its OtlpDetails, as details.hpp makes it.
View LogEncoder::record_details(View body_type) {
  const bool valid_trace_id = !trace_id_.empty(), valid_span_id = !span_id_.empty();
  // Where nothing but types and an unset time is told, the details of a layout are the same again and again.
  Layout* const layout = attributes_.layout();
  const bool plain = layout != nullptr && (valid_trace_id || record_.trace_id.empty()) &&
                     (valid_span_id || record_.span_id.empty()) && record_.time <= kMaxTime &&
                     record_.observed_time <= kMaxTime && record_.severity_number >= 0 &&
                     record_.severity_number <= 0xFF;
  const uint64_t shape = plain ? shape_of_record(record_, body_type) : 0;
  if (shape != 0 && shape == layout->shape) return layout->details;
  details_scratch_.clear();
  append_record_details(details_scratch_, record_, valid_trace_id, valid_span_id, body_type, attributes_.members(),
                        attributes_.repeated());
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
  put_string(table.plain[kActorName], values[kActorNameField]);
  put_word(table.words[kActorType], values[kActorTypeField]);
  put_string(table.plain[kEffectiveActorId], values[kEffectiveActorIdField]);
  put_string(table.plain[kSessionId], values[kSessionIdField]);
  put_word(table.words[kAction], values[kActionField]);
  put_string(table.plain[kTargetId], values[kTargetIdField]);
  put_word(table.words[kTargetType], values[kTargetTypeField]);
  put_string(table.plain[kSourceId], values[kSourceIdField]);
  put_word(table.words[kSourceType], values[kSourceTypeField]);
  put_string(table.plain[kSourceHost], values[kSourceHostField]);
  put_word(table.words[kOutcome], values[kOutcomeField]);
  put_word(table.words[kCategory], values[kCategoryField]);
  put_word(table.words[kAuditRule], audit_fields_.rule);
  put_string(table.plain[kDescription], values[kDescriptionField]);
}

}  // namespace lognotary
