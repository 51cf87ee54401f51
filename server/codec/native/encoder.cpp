#include "encoder.hpp"

#include <algorithm>

#include "details.hpp"
#include "unread.hpp"

namespace lognotary {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000000;  // nanoseconds
constexpr int64_t kMark = -2;  // of the canonical record, version 2

// Bytes of text, which every record of the owner repeats.
uint64_t size_of(const std::vector<Member>& members) {
  uint64_t size = 0;
  for (const Member& member : members) size += member.key.size() + member.text.size();
  return size;
}

// Thrown where a scope stands behind some of its records: they have to be read again, scopes first.
// Every known sender puts it before them, and to look for it first costs a look at every record.
struct ScopeIsLate {};

// Returns the types of a record's scalars and whether it has a time, 0 where there is more to tell.
uint64_t shape_of(const Record& record) {
  constexpr size_t kMostAttributes = 19;  // of three bits each, after five for a mark, the body and the time
  if (record.attributes.size() > kMostAttributes || record.body.kind >= Kind::kArray) return 0;
  uint64_t shape = 8 | static_cast<uint64_t>(record.body.kind);
  shape = shape << 1 | static_cast<uint64_t>(record.time == 0);
  for (const Attribute& attribute : record.attributes) {
    if (attribute.value.kind >= Kind::kArray) return 0;
    shape = shape << 3 | static_cast<uint64_t>(attribute.value.kind);
  }
  return shape;
}

}  // namespace

Encoder::Encoder(const Rules& rules, Limits limits)
    : rules_(rules),
      limits_(limits),
      resource_(rules.slots()),
      scope_(rules.slots()),
      slots_(rules.slots()) {}

void Encoder::encode(View request, int64_t ingested_at) {
  received_ = ingested_at;
  end_of_day_ = ingested_at / kDay * kDay + kDay - 1;
  try {
    encode_all(request, false);
  } catch (const ScopeIsLate&) {
    encode_all(request, true);
  }
}

void Encoder::encode_all(View request, bool scopes_are_late) {
  scopes_are_late_ = scopes_are_late;
  records_ = repeated_ = 0;
  ingested_at_ = received_;
  audit_.clear();
  operational_.clear();
  layouts_ = Layouts();  // they, and the slots of keys, belong to a request's dictionaries
  key_slots_.clear();
  bool any = false;
  for (Reader field(request, kMaxDepth); field.next();) {
    if (field.tag() != tags::kResourceLogs) continue;
    any = true;
    encode_resource(field.bytes(), enter(kMaxDepth));
  }
  if (!any) require_read(request, Level::kRequest, kMaxDepth);
}

// A resource may stand behind its records, so it is looked for first. To read over records costs little.
void Encoder::encode_resource(View resource_logs, int depth) {
  Resource resource;
  resource_.arena.clear();
  resource_.schema_url = View();
  bool present = false, old = false;
  for (Reader field(resource_logs, depth); field.next();) {
    if (field.tag() == tags::kResource) read_resource(field.bytes(), enter(depth), resource, resource_.arena);
    if (field.tag() == tags::kResourceSchemaUrl) resource_.schema_url = text(field.bytes());
    if (field.tag() == tags::kScopeLogs) present = true;
    if (field.tag() == tags::kLibraryLogs) old = true;
  }
  if (present == old) require_read(resource_logs, Level::kResourceLogs, depth);
  set_attributes(resource_, resource.attributes);
  resource_.details.clear();
  append_resource_details(resource_.details, resource, resource_.members);
  service_name_ = View();
  for (const Attribute& attribute : resource.attributes) {
    if (attribute.key != "service.name") continue;
    service_name_ = as_text(attribute.value, resource_.arena).text;
    break;
  }
  for (Reader field(resource_logs, depth); field.next();) {
    if (field.tag() == tags::kScopeLogs || field.tag() == tags::kLibraryLogs) encode_scope(field.bytes(), enter(depth));
  }
}

void Encoder::encode_scope(View scope_logs, int depth) {
  Scope scope;
  scope_.arena.clear();
  scope_.schema_url = View();
  Reader field(scope_logs, depth);
  Reader records = field;  // the fields from the first record on
  bool any = scopes_are_late_;
  for (Reader before = field; field.next(); before = field) {
    if (field.tag() == tags::kScope) read_scope(field.bytes(), enter(depth), scope, scope_.arena);
    if (field.tag() == tags::kScopeSchemaUrl) scope_.schema_url = text(field.bytes());
    if (field.tag() == tags::kLogRecords && !scopes_are_late_) {
      records = before;
      any = true;
      break;
    }
  }
  set_attributes(scope_, scope.attributes);
  scope_.details.clear();
  append_scope_details(scope_.details, scope, scope_.members);
  share(scope);
  const uint64_t repeated = service_name_.size() + resource_.schema_url.size() + size_of(resource_.members) +
                            resource_.details.size() + scope_.schema_url.size() + scope.name.size() +
                            scope.version.size() + size_of(scope_.members) + scope_.details.size();
  const uint64_t records_before = records_;
  while (any && records.next()) {
    if (records.tag() == tags::kLogRecords) {
      records_ += 1;
      repeated_ += repeated;
      if (records_ > limits_.records || repeated_ > limits_.repeated) throw Refused{Refusal::kTooManyRecords};
      encode_record(records.bytes(), enter(depth));
    } else if (!scopes_are_late_ && (records.tag() == tags::kScope || records.tag() == tags::kScopeSchemaUrl)) {
      throw ScopeIsLate{};
    }
  }
  if (records_ == records_before) require_read(scope_logs, Level::kScopeLogs, depth);
}

void Encoder::set_attributes(Owner& owner, const std::vector<Attribute>& attributes) {
  sort_attributes(attributes, owner.members, owner.arena);
  owner.slots.clear();
  owner.map.clear();
  owner.values.clear();
  owner.map.put_varint(owner.members.size());
  for (const Member& member : owner.members) {
    if (const uint32_t slot = rules_.slot(member.key); slot != Rules::kNoSlot) owner.slots.set(slot, member.text);
    owner.map.put_string(member.key);
    owner.map.put_string(member.text);
    owner.values.put_string(member.text);
  }
}

void Encoder::share(const Scope& scope) {
  scope_name_ = scope.name;
  scope_version_ = scope.version;
  scope_name_data_.clear();
  scope_name_data_.put_string(scope.name);
  shared_.clear();
  shared_.put(kMark);
  shared_.put_string(View());  // Tenant
  shared_.put_string(View());  // Sender
  shared_.put_string(service_name_);
  shared_.put_string(resource_.schema_url);
  shared_.append(resource_.map.view());
  shared_.put_string(scope_.schema_url);
  shared_.append(scope_name_data_.view());
  shared_.put_string(scope.version);
  shared_.append(scope_.map.view());
#ifdef LOGNOTARY_LIBCRYPTO
  sha256_.start(shared_.view());
#endif
  audit_numbers_.known = operational_numbers_.known = false;
}

void Encoder::encode_record(View message, int depth) {
  record_.clear();
  arena_.clear();
  if (!read_record(message, depth, record_, arena_)) require_read(message, Level::kLogRecord, depth);

  char trace_hex[32], span_hex[16];
  const View trace_id = hex_id(record_.trace_id, 16, trace_hex);
  const View span_id = hex_id(record_.span_id, 8, span_hex);
  const Text body = as_text(record_.body, arena_);
  layout_ = layouts_.find(record_.attributes);
  if (layout_ != nullptr && !layout_->distinct) layout_ = nullptr;
  sort_log_attributes();
  write_details(record_details(body.type, !trace_id.empty(), !span_id.empty()));

  const Facts facts{record_.event_name,
                    scope_name_,
                    service_name_,
                    body.text,
                    static_cast<uint8_t>(record_.severity_number),
                    &slots_,
                    &scope_.slots,
                    &resource_.slots};
  const bool is_audit = rules_.classify(facts, audit_fields_, audit_scratch_);
  Table& table = is_audit ? audit_ : operational_;

  const uint64_t time = record_.time != 0 ? record_.time : record_.observed_time;
  const auto timestamp = static_cast<int64_t>(std::min(time, kMaxTime));
  ++table.count;
  table.min_timestamp = std::min(table.min_timestamp, timestamp);
  table.max_timestamp = std::max(table.max_timestamp, timestamp);

  // In the order of the canonical record.
  record_bytes_.clear();
  at_ = record_bytes_.room(most_bytes(body.text, is_audit));
  const char* const start = at_;
  write_shared(table);
  put(table.plain[kTimestamp], timestamp);
  put_string(table.plain[kTraceId], trace_id);
  put_string(table.plain[kSpanId], span_id);
  put(table.plain[kTraceFlags], static_cast<uint8_t>(record_.flags));
  put_word(table.words[kSeverityText], record_.severity_text);
  put(table.plain[kSeverityNumber], static_cast<uint8_t>(record_.severity_number));
  put_string(table.plain[kBody], body.text);
  write_log_attributes(table);
  put_string(table.plain[kEventName], record_.event_name);
  put(table.plain[kObservedTimestamp], static_cast<int64_t>(std::min(record_.observed_time, kMaxTime)));
  put(table.plain[kFlags], record_.flags);
  put(table.plain[kDroppedAttributesCount], record_.dropped_attributes_count);
  put_word(table.words[kOtlpDetails], details_);
  put(table.plain[kIngestedAt], std::min(ingested_at_++, end_of_day_));  // keeps the order of the request
  put_string(table.plain[kRedactions], View());
  if (is_audit) write_audit(table);
  finish(table, View(start, static_cast<size_t>(at_ - start)));
}

// Returns a size that the rest of the canonical record does not exceed.
size_t Encoder::most_bytes(View body, bool is_audit) const {
  size_t size = 256 + record_.severity_text.size() + body.size() + record_.event_name.size() + details_.size();
  for (const Member& member : members_) size += 2 * kLongestVarint + member.key.size() + member.text.size();
  if (!is_audit) return size;
  for (const View value : audit_fields_.values) size += kLongestVarint + value.size();
  return size + kLongestVarint + audit_fields_.rule.size();
}

// Sorts the record's attributes into `members_` and `slots_`.
void Encoder::sort_log_attributes() {
  slots_.clear();
  if (layout_ == nullptr) {
    sort_attributes(record_.attributes, members_, arena_);
    for (const Member& member : members_) {
      if (const uint32_t slot = rules_.slot(member.key); slot != Rules::kNoSlot) slots_.set(slot, member.text);
    }
    return;
  }
  for (size_t known = key_slots_.size(); known < layouts_.keys().size(); ++known) {
    key_slots_.push_back(rules_.slot(layouts_.keys()[static_cast<uint32_t>(known)]));
  }
  members_.resize(layout_->order.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    const uint32_t place = layout_->order[i];
    const Text text = as_text(record_.attributes[place].value, arena_);
    members_[i] = {record_.attributes[place].key, text.text, text.type};
    const uint32_t slot = key_slots_[layout_->keys[place]];
    if (slot != Rules::kNoSlot) slots_.set(slot, text.text);
  }
}

// Returns what only this record adds to its OtlpDetails, as details.hpp makes it.
View Encoder::record_details(View body_type, bool valid_trace_id, bool valid_span_id) {
  // Where nothing but types and an unset time is told, the details of a layout are the same again and again.
  const bool plain = layout_ != nullptr && (valid_trace_id || record_.trace_id.empty()) &&
                     (valid_span_id || record_.span_id.empty()) && record_.time <= kMaxTime &&
                     record_.observed_time <= kMaxTime && record_.severity_number >= 0 &&
                     record_.severity_number <= 0xFF;
  const uint64_t shape = plain ? shape_of(record_) : 0;
  if (shape != 0 && shape == layout_->shape) return layout_->details;
  details_scratch_.clear();
  append_record_details(details_scratch_, record_, valid_trace_id, valid_span_id, body_type, members_);
  if (shape != 0) {
    layout_->shape = shape;
    layout_->details = details_scratch_;
  }
  return details_scratch_;
}

void Encoder::write_details(View record_details) {
  details_.clear();
  if (record_details.empty() && scope_.details.empty() && resource_.details.empty()) return;
  details_ += '{';
  details_ += record_details;
  details_ += scope_.details;
  details_ += resource_.details;
  details_.back() = '}';  // in place of the last comma
}

}  // namespace lognotary
