#include "messages.hpp"

#include <utility>

namespace lognotary {
namespace {

// Reads the attribute that most attributes are: a short key and a short string, each sent once and in
// order. Returns false for any other, and reads nothing.
bool read_short_string(View message, Attribute& attribute) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(message[i]); };
  const size_t size = message.size();
  if (size < 6 || size >= 0x80 || at(0) != tag(1, kDelimited)) return false;  // so all lengths are one byte
  const size_t value = 2 + at(1);
  if (value + 4 > size || at(value) != tag(2, kDelimited) || at(value + 1) != size - value - 2) return false;
  if (at(value + 2) != tag(1, kDelimited) || at(value + 3) != size - value - 4) return false;
  attribute.key = text(message.substr(2, value - 2));
  attribute.value.kind = Kind::kString;
  attribute.value.bytes = text(message.substr(value + 4));
  return true;
}

void read_entity(View message, int depth, Entity& entity) {
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        entity.schema_url = text(field.bytes());
        break;
      case tag(2, kDelimited):
        entity.type = text(field.bytes());
        break;
      case tag(3, kDelimited):
        add_to(entity.id_keys) = text(field.bytes());
        break;
      case tag(4, kDelimited):
        add_to(entity.description_keys) = text(field.bytes());
        break;
      default:
        break;
    }
  }
}

}  // namespace

void Record::clear() {
  std::vector<Attribute> room = std::move(attributes);
  room.clear();
  *this = Record();
  attributes = std::move(room);
}

void read_attribute(View message, int depth, Attribute& attribute, Arena& arena) {
  if (read_short_string(message, attribute)) return;
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        attribute.key = text(field.bytes());
        break;
      case tag(2, kDelimited):
        read_value(field.bytes(), enter(depth), attribute.value, arena);
        break;
      default:
        break;
    }
  }
}

void read_resource(View message, int depth, Resource& resource, Arena& arena) {
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(resource.attributes), arena);
        break;
      case tag(2, kVarint):
        resource.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      case tag(3, kDelimited):
        read_entity(field.bytes(), enter(depth), add_to(resource.entity_refs));
        break;
      default:
        break;
    }
  }
}

void read_scope(View message, int depth, Scope& scope, Arena& arena) {
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kDelimited):
        scope.name = text(field.bytes());
        break;
      case tag(2, kDelimited):
        scope.version = text(field.bytes());
        break;
      case tag(3, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(scope.attributes), arena);
        break;
      case tag(4, kVarint):
        scope.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      default:
        break;
    }
  }
}

bool is_record_field(uint32_t tag) {
  switch (tag) {
    case lognotary::tag(1, kFixed64):
    case lognotary::tag(2, kVarint):
    case lognotary::tag(3, kDelimited):
    case lognotary::tag(5, kDelimited):
    case lognotary::tag(6, kDelimited):
    case lognotary::tag(7, kVarint):
    case lognotary::tag(8, kFixed32):
    case lognotary::tag(9, kDelimited):
    case lognotary::tag(10, kDelimited):
    case lognotary::tag(11, kFixed64):
    case lognotary::tag(12, kDelimited):
      return true;
    default:
      return false;
  }
}

bool read_record(View message, int depth, Record& record, Arena& arena) {
  bool all_known = true;
  for (Reader field(message, depth); field.next();) {
    switch (field.tag()) {
      case tag(1, kFixed64):
        record.time = field.number();
        break;
      case tag(2, kVarint):
        record.severity_number = static_cast<int32_t>(field.number());
        break;
      case tag(3, kDelimited):
        record.severity_text = text(field.bytes());
        break;
      case tag(5, kDelimited):
        read_value(field.bytes(), enter(depth), record.body, arena);
        break;
      case tag(6, kDelimited):
        read_attribute(field.bytes(), enter(depth), add_to(record.attributes), arena);
        break;
      case tag(7, kVarint):
        record.dropped_attributes_count = static_cast<uint32_t>(field.number());
        break;
      case tag(8, kFixed32):
        record.flags = static_cast<uint32_t>(field.number());
        break;
      case tag(9, kDelimited):
        record.trace_id = field.bytes();
        break;
      case tag(10, kDelimited):
        record.span_id = field.bytes();
        break;
      case tag(11, kFixed64):
        record.observed_time = field.number();
        break;
      case tag(12, kDelimited):
        record.event_name = text(field.bytes());
        break;
      default:
        all_known = false;
        break;
    }
  }
  return all_known;
}

}  // namespace lognotary
