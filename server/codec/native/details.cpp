#include "details.hpp"

#include <algorithm>

#include "scalar.hpp"

namespace lognotary {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// The two digits of each byte.
struct HexPairs {
  char digits[256][2];
  constexpr HexPairs() : digits() {
    for (int byte = 0; byte < 256; ++byte) {
      digits[byte][0] = kHex[byte >> 4];
      digits[byte][1] = kHex[byte & 15];
    }
  }
};
constexpr HexPairs kHexPairs;

void append_hex(std::string& out, View bytes) {
  for (const char c : bytes) out.append(kHexPairs.digits[static_cast<unsigned char>(c)], 2);
}

void append_texts(std::string& out, const std::vector<View>& texts) {
  out += '[';
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, texts[i]);
  }
  out += ']';
}

void append_entity(std::string& out, const Entity& entity) {
  out += "{\"schema_url\":";
  append_json(out, entity.schema_url);
  out += ",\"type\":";
  append_json(out, entity.type);
  out += ",\"id_keys\":";
  append_texts(out, entity.id_keys);
  out += ",\"description_keys\":";
  append_texts(out, entity.description_keys);
  out += '}';
}

}  // namespace

View hex_id(View id, size_t size, char* hex) {
  if (id.size() != size || std::all_of(id.begin(), id.end(), [](char c) { return c == 0; })) return View();
  for (size_t i = 0; i < size; ++i) {
    std::memcpy(hex + 2 * i, kHexPairs.digits[static_cast<unsigned char>(id[i])], 2);
  }
  return View(hex, 2 * size);
}

void append_types(std::string& out, View name, const std::vector<Member>& attributes) {
  if (std::all_of(attributes.begin(), attributes.end(), [](const Member& a) { return a.type == types::kString; })) {
    return;
  }
  out += name;
  append_member_types(out, attributes);
  out += ',';
}

void append_time(std::string& out, View name, uint64_t time) {
  if (time > kMaxTime) append_number(out, name, time);
}

void append_invalid_id(std::string& out, View name, View id, bool valid) {
  if (valid || id.empty()) return;
  out += name;
  append_hex(out, id);
  out += "\",";
}

void append_count(std::string& out, View name, uint32_t count) {
  if (count == 0) return;
  out += name;
  append_int(out, count);
  out += ',';
}

void append_object(std::string& out, View name, View members) {
  if (members.empty()) return;
  out += name;
  out += '{';
  out += members;
  out.back() = '}';  // in place of the last comma
  out += ',';
}

void append_record_details(std::string& out, const Record& record, bool valid_trace_id, bool valid_span_id,
                           View body_type, const std::vector<Member>& attributes,
                           const std::vector<Repeated>& repeated) {
  if (record.time == 0) out += "\"time\":\"unset\",";
  append_time(out, "\"time\":\"", record.time);
  append_time(out, "\"observed\":\"", record.observed_time);
  if (record.severity_number < 0 || record.severity_number > 0xFF) {
    append_number(out, "\"severity\":\"", record.severity_number);
  }
  append_invalid_id(out, "\"trace_id\":\"", record.trace_id, valid_trace_id);
  append_invalid_id(out, "\"span_id\":\"", record.span_id, valid_span_id);
  if (body_type != types::kString) {
    out += "\"body\":";
    out += body_type;
    out += ',';
  }
  append_types(out, "\"log\":", attributes);
  append_order(out, "\"log_order\":{", repeated);
}

void append_scope_details(std::string& out, const Scope& scope, const std::vector<Member>& attributes,
                          const std::vector<Repeated>& repeated) {
  append_types(out, "\"scope\":", attributes);
  append_order(out, "\"scope_order\":{", repeated);
  append_count(out, "\"scope_dropped\":", scope.dropped_attributes_count);
}

void append_resource_details(std::string& out, const Resource& resource, const std::vector<Member>& attributes,
                             const std::vector<Repeated>& repeated) {
  append_types(out, "\"resource\":", attributes);
  append_order(out, "\"resource_order\":{", repeated);
  append_count(out, "\"resource_dropped\":", resource.dropped_attributes_count);
  if (resource.entity_refs.empty()) return;
  out += "\"entity_refs\":[";
  for (size_t i = 0; i < resource.entity_refs.size(); ++i) {
    if (i > 0) out += ',';
    append_entity(out, resource.entity_refs[i]);
  }
  out += "],";
}

}  // namespace lognotary
