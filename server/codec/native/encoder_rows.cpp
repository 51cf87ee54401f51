// The encoder's second half: what a record that was read writes to its table.
#include "encoder.hpp"

namespace lognotary {
namespace {

View as_bytes(const std::vector<uint32_t>& numbers) {
  return View(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint32_t));
}

}  // namespace

void Encoder::write_shared(Table& table) {
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
  column.keys.indexes.append(as_bytes(keys));
  column.values.append(values.view());
}

Encoder::SharedNumbers& Encoder::numbers(Table& table) {
  SharedNumbers& shared = &table == &audit_ ? audit_numbers_ : operational_numbers_;
  if (shared.known) return shared;
  shared.known = true;
  shared.tenant = table.words[kTenant].dictionary.add(View());
  shared.sender = table.words[kSender].dictionary.add(View());
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

void Encoder::write_log_attributes(Table& table) {
  MapColumn& column = table.maps[kLogAttributes];
  column.lengths.put(static_cast<uint32_t>(members_.size()));
  at_ += write_varint(at_, members_.size());
  for (size_t i = 0; i < members_.size(); ++i) {
    if (layout_ == nullptr) column.keys.put(members_[i].key);
    at_ += write_string(at_, members_[i].key);
    put_string(column.values, members_[i].text);
  }
  if (layout_ == nullptr) return;
  std::vector<uint32_t>& numbers = layout_->numbers[&table == &audit_];
  if (numbers.size() != members_.size()) {
    for (const Member& member : members_) numbers.push_back(column.keys.dictionary.add(member.key));
  }
  column.keys.indexes.append(as_bytes(numbers));
}

void Encoder::write_audit(Table& table) {
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

void Encoder::put_string(Buffer& column, View text) {
  // Both from the request: to read back what has just been written would wait for the writing.
  at_ += write_string(at_, text);
  column.put_string(text);
}

void Encoder::put_word(WordColumn& column, View word) {
  at_ += write_string(at_, word);
  column.put(word);
}

void Encoder::finish(Table& table, View rest) {
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
