#include "encoder.hpp"

#include <algorithm>

#include "details.hpp"
#include "unread.hpp"

namespace lognotary {
namespace {

constexpr int64_t kDay = int64_t{86400} * 1000000000;  // nanoseconds
constexpr int64_t kMark = -2;  // of the canonical record, version 2

constexpr View kCommitments = "\"commitments\":[";

// Thrown where a scope stands behind some of its records: they have to be read again, scopes first.
// Every known sender puts it before them, and to look for it first costs a look at every record.
struct ScopeIsLate {};

}  // namespace

uint64_t size_of(const std::vector<Member>& members) {
  uint64_t size = 0;
  for (const Member& member : members) size += member.key.size() + member.text.size();
  return size;
}

uint64_t Encoder::bytes_of_source() const {
  return service_name_.size() + resource_.schema_url.size() + size_of(resource_.members) + scope_.schema_url.size() +
         scope_name_.size() + scope_version_.size() + size_of(scope_.members);
}

void Encoder::encode(View request, int64_t ingested_at, View seed) {
  seed_ = seed;
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
  records_ = repeated_ = events_ = repeated_by_events_ = 0;
  ingested_at_ = received_;
  redactor_.begin(seed_, limits_.disclosed);
  clear();
  bool any = false;
  for (Reader field(request, kMaxDepth); field.next();) {
    if (field.tag() != tags::kResourceLogs) continue;
    any = true;
    encode_resource(field.bytes(), enter(kMaxDepth));
  }
  if (!any) require_read(request, signal_, Level::kRequest, kMaxDepth);
  if (has_too_many_events()) throw Refused{Refusal::kTooManyRecords};
  if (redactor_.has_too_many()) throw Refused{Refusal::kTooManyDisclosed};
}

bool Encoder::count_event(uint64_t repeated) {
  ++events_;
  repeated_by_events_ += repeated;
  return !has_too_many_events();
}

bool Encoder::has_too_many_events() const {
  return events_ > 0 && (records_ + events_ > limits_.records || repeated_by_events_ > limits_.repeated);
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
  if (present == old) require_read(resource_logs, signal_, Level::kResourceLogs, depth);
  const uint32_t disclosed_before = disclosures();
  read_members(resource.attributes, resource_.members, resource_.arena, redactor(Redacted()));
  resource_.redacted = redactor_.redacted();
  resource_.listed.clear();
  append_listed(resource_.listed, disclosed(), {disclosed_before, disclosures()});
  service_name_ = View();
  for (const Member& member : resource_.members) {
    if (member.key != "service.name") continue;
    service_name_ = member.text;
    break;
  }
  resource_.set_members();
  resource_.details.clear();
  append_resource_details(resource_.details, resource, resource_.members, resource_.repeated);
  begin_resource();
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
  const uint32_t disclosed_before = disclosures();
  read_members(scope.attributes, scope_.members, scope_.arena, redactor(resource_.redacted));
  scope_.redacted = redactor_.redacted();
  scope_.listed = resource_.listed;
  append_listed(scope_.listed, disclosed(), {disclosed_before, disclosures()});
  scope_.set_members();
  scope_.details.clear();
  append_scope_details(scope_.details, scope, scope_.members, scope_.repeated);
  scope_name_ = scope.name;
  scope_version_ = scope.version;
  bool is_begun = false;  // at the first record: scopes without any are cheap to send
  const uint64_t repeated =
      bytes_of_source() + resource_.details.size() + scope_.details.size() + scope_.listed.size();
  const uint64_t records_before = records_;
  const auto count_if_record = [&] {
    if (records.tag() == tags::kLogRecords) {
      records_ += 1;
      repeated_ += repeated;
      if (records_ > limits_.records || repeated_ > limits_.repeated) throw Refused{Refusal::kTooManyRecords};
      if (!is_begun) {
        is_begun = true;
        share();
        begin_scope();
      }
      return true;
    }
    if (!scopes_are_late_ && (records.tag() == tags::kScope || records.tag() == tags::kScopeSchemaUrl)) {
      throw ScopeIsLate{};
    }
    return false;
  };
  while (any && records.next()) {
    if (!count_if_record()) continue;
    try {
      encode_record(records.bytes(), enter(depth));
    } catch (const Refused&) {
      while (records.next()) count_if_record();  // too many records of a scope are found before what is in them
      throw;
    }
  }
  if (records_ == records_before) require_read(scope_logs, signal_, Level::kScopeLogs, depth);
}

void Encoder::Owner::set_members() {
  sort_members(members, repeated);
  map.clear();
  values.clear();
  map.put_varint(members.size());
  for (const Member& member : members) {
    map.put_string(member.key);
    map.put_string(member.text);
    values.put_string(member.text);
  }
}

void Encoder::share() {
  scope_name_data_.clear();
  scope_name_data_.put_string(scope_name_);
  shared_.clear();
  shared_.put(kMark);
  shared_.put_string(tenant_);
  shared_.put_string(sender_);
  shared_.put_string(service_name_);
  shared_.put_string(resource_.schema_url);
  shared_.append(resource_.map.view());
  shared_.put_string(scope_.schema_url);
  shared_.append(scope_name_data_.view());
  shared_.put_string(scope_version_);
  shared_.append(scope_.map.view());
#ifdef LOGNOTARY_LIBCRYPTO
  if (hashing_) sha256_.start(shared_.view());
#endif
  ++source_;
}

View Encoder::details(View of_record, View others) {
  details_.clear();
  if (of_record.empty() && scope_.details.empty() && resource_.details.empty() && others.empty()) return View();
  details_ += '{';
  details_ += of_record;
  details_ += scope_.details;
  details_ += resource_.details;
  details_ += others;
  details_.back() = '}';  // in place of the last comma
  return details_;
}

void Encoder::begin_commitments(std::string& out) const {
  out += kCommitments;
  out += scope_.listed;
}

void Encoder::end_commitments(std::string& out) {
  if (out.back() == '[') {
    out.resize(out.size() - kCommitments.size());
    return;
  }
  out.back() = ']';  // in place of the last comma
  out += ',';
}

void Encoder::begin_row(Table& table, int64_t timestamp, size_t most_bytes) {
  record_bytes_.clear();
  at_ = record_bytes_.room(most_bytes);
  table.add(timestamp);
  const SharedNumbers& shared = numbers(table);
  table.words[kTenant].indexes.put(shared.tenant);
  table.words[kSender].indexes.put(shared.sender);
  table.words[kServiceName].indexes.put(shared.service_name);
  table.words[kResourceSchemaUrl].indexes.put(shared.resource_schema_url);
  table.words[kScopeSchemaUrl].indexes.put(shared.scope_schema_url);
  table.words[kScopeVersion].indexes.put(shared.scope_version);
  table.plain[kScopeName].append(scope_name_data_.view());
  write_map(table.maps[kResourceAttributes], shared.resource_keys, resource_.values);
  write_map(table.maps[kScopeAttributes], shared.scope_keys, scope_.values);
}

void Encoder::write_map(MapColumn& column, const std::vector<uint32_t>& keys, const Buffer& values) {
  column.lengths.put(static_cast<uint32_t>(keys.size()));
  column.keys.put_all(keys);
  column.values.append(values.view());
}

const SharedNumbers& Encoder::numbers(Table& table) {
  SharedNumbers& shared = table.shared;
  if (shared.source == source_) return shared;
  shared.source = source_;
  shared.tenant = table.words[kTenant].dictionary.add(tenant_);
  shared.sender = table.words[kSender].dictionary.add(sender_);
  shared.service_name = table.words[kServiceName].dictionary.add(service_name_);
  shared.resource_schema_url = table.words[kResourceSchemaUrl].dictionary.add(resource_.schema_url);
  shared.scope_schema_url = table.words[kScopeSchemaUrl].dictionary.add(scope_.schema_url);
  shared.scope_version = table.words[kScopeVersion].dictionary.add(scope_version_);
  const auto number_keys = [](MapColumn& column, const std::vector<Member>& members, std::vector<uint32_t>& keys) {
    keys.clear();
    for (const Member& member : members) keys.push_back(column.keys.dictionary.add(member.key));
  };
  number_keys(table.maps[kResourceAttributes], resource_.members, shared.resource_keys);
  number_keys(table.maps[kScopeAttributes], scope_.members, shared.scope_keys);
  return shared;
}

void Encoder::finish_row(Table& table) {
  const Redacted& redacted = redactor_.redacted();
  for (size_t rule = 0; redacted.any && rule < redacted.by_rule.size(); ++rule) {
    table.redacted[rule] += redacted.by_rule[rule];
  }
  if (!table.hashed) return;
  const View rest(record_bytes_.data(), static_cast<size_t>(at_ - record_bytes_.data()));
#ifdef LOGNOTARY_LIBCRYPTO
  sha256_.leaf(rest, table.leaf_hashes.room(kHashSize));
  table.leaf_hashes.grow(kHashSize);
#else
  table.records.append(shared_.view());
  table.records.append(rest);
  table.record_ends.put(static_cast<uint64_t>(table.records.size()));
#endif
}

}  // namespace lognotary
