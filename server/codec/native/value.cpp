#include "value.hpp"

#include <algorithm>

#include "redaction.hpp"
#include "scalar.hpp"

namespace lognotary {
namespace {

// Tags of AnyValue, ArrayValue, KeyValueList and KeyValue (opentelemetry-proto common/v1/common.proto).
constexpr uint32_t kStringValue = tag(1, kDelimited), kBoolValue = tag(2, kVarint), kIntValue = tag(3, kVarint),
                   kDoubleValue = tag(4, kFixed64), kArrayValue = tag(5, kDelimited),
                   kKvlistValue = tag(6, kDelimited), kBytesValue = tag(7, kDelimited),
                   kStringValueStrindex = tag(8, kVarint);
constexpr uint32_t kValues = tag(1, kDelimited);
constexpr uint32_t kKey = tag(1, kDelimited), kKeyValue = tag(2, kDelimited);

void check_value(View message, int depth);

void check_key_value(View message, int depth) {
  for (Reader field(message, depth); field.next();) {
    if (field.tag() == kKey) text(field.bytes());
    if (field.tag() == kKeyValue) check_value(field.bytes(), enter(depth));
  }
}

void check_list(View message, int depth, bool of_members) {
  for (Reader field(message, depth); field.next();) {
    if (field.tag() != kValues) continue;
    if (of_members) {
      check_key_value(field.bytes(), enter(depth));
    } else {
      check_value(field.bytes(), enter(depth));
    }
  }
}

void check_value(View message, int depth) {
  for (Reader field(message, depth); field.next();) {
    if (field.tag() == kStringValue) text(field.bytes());
    if (field.tag() == kArrayValue) check_list(field.bytes(), enter(depth), false);
    if (field.tag() == kKvlistValue) check_list(field.bytes(), enter(depth), true);
  }
}

// The parts of a message that is sent in several merge as if they stood one after the other. They are not put
// together: lists within lists, each in parts, would then be copied once for each level.
void merge(Value& value, Kind kind, View part, Arena& arena) {
  if (value.kind != kind) {
    value = Value{kind, 0, part, nullptr};
    return;
  }
  if (part.empty()) return;
  if (value.more == nullptr) value.more = &arena.open();
  value.more->push_back(part);
}

// Reads one field of an AnyValue whose lists have been checked.
[[gnu::always_inline]] inline void read_field(Reader field, Value& value, Arena& arena) {
  switch (field.tag()) {
    case kStringValue:
      value = Value{Kind::kString, 0, field.bytes(), nullptr};
      return;
    case kBoolValue:
      value = Value{Kind::kBool, field.number(), View(), nullptr};
      return;
    case kIntValue:
      value = Value{Kind::kInt, field.number(), View(), nullptr};
      return;
    case kDoubleValue:
      value = Value{Kind::kDouble, field.number(), View(), nullptr};
      return;
    case kArrayValue:
      merge(value, Kind::kArray, field.bytes(), arena);
      return;
    case kKvlistValue:
      merge(value, Kind::kKvlist, field.bytes(), arena);
      return;
    case kBytesValue:
      value = Value{Kind::kBytes, 0, field.bytes(), nullptr};
      return;
    case kStringValueStrindex:  // only has a meaning in profiles
      value = Value{};
      return;
    default:
      return;
  }
}

void append_scalar(std::string& out, const Value& value) {
  switch (value.kind) {
    case Kind::kInt:
      append_int(out, static_cast<int64_t>(value.number));
      return;
    case Kind::kDouble: {
      double number;
      std::memcpy(&number, &value.number, sizeof number);
      append_double(out, number);
      return;
    }
    case Kind::kBool:
      out += value.number != 0 ? "true" : "false";
      return;
    case Kind::kBytes:
      append_base64(out, value.bytes);
      return;
    default:
      out += value.bytes;
  }
}

View scalar_type(Kind kind) {
  switch (kind) {
    case Kind::kString:
      return types::kString;
    case Kind::kInt:
      return types::kInt;
    case Kind::kDouble:
      return types::kDouble;
    case Kind::kBool:
      return types::kBool;
    case Kind::kBytes:
      return types::kBytes;
    default:
      return types::kEmpty;
  }
}

// Calls `read` with each field of a list.
template <typename Read>
void for_each_field(const Value& list, Read read) {
  for (Reader field(list.bytes, kMaxDepth); field.next();) read(field);
  if (list.more == nullptr) return;
  for (const View part : *list.more) {
    for (Reader field(part, kMaxDepth); field.next();) read(field);
  }
}

void append_list(const Value& list, std::string& text, std::string& type, Arena& arena, Redactor* redactor);

// Appends a value within a list: JSON, where a value on the top is bare.
void append_nested(const Value& value, std::string& text, std::string& type, Arena& arena, Redactor* redactor) {
  if (value.kind == Kind::kArray || value.kind == Kind::kKvlist) {
    append_list(value, text, type, arena, redactor);
    return;
  }
  type += scalar_type(value.kind);
  if (value.kind == Kind::kEmpty) {
    text += "null";
  } else if (value.kind == Kind::kString) {
    append_json(text, value.bytes);
  } else {
    const size_t start = text.size();
    append_scalar(text, value);
    const char last = text.size() > start ? text.back() : '\0';
    const bool finite = value.kind != Kind::kDouble || (last >= '0' && last <= '9');
    if (value.kind == Kind::kBytes || !finite) {  // neither has anything to escape
      text.insert(start, 1, '"');
      text += '"';
    }
  }
}

Value nested(View message, Arena& arena) {
  Value value;
  for (Reader field(message, kMaxDepth); field.next();) read_field(field, value, arena);
  return value;
}

void append_array(const Value& array, std::string& text, std::string& type, Arena& arena, Redactor* redactor) {
  std::string joined;  // the elements' types, each followed by a comma
  size_t first_size = 0;
  bool alike = true;
  text += '[';
  for_each_field(array, [&](const Reader& field) {
    if (field.tag() != kValues) return;
    if (!joined.empty()) text += ',';
    const size_t start = joined.size();
    Value element = nested(field.bytes(), arena);
    if (redactor != nullptr) redactor->redact_value(element, arena);
    append_nested(element, text, joined, arena, redactor);
    if (start == 0) first_size = joined.size();
    alike = alike && View(joined).substr(start) == View(joined).substr(0, first_size);
    joined += ',';
  });
  text += ']';
  type += '[';
  if (!joined.empty()) {
    View listed = View(joined).substr(0, joined.size() - 1);
    if (alike) listed = listed.substr(0, first_size);
    if (!alike || listed != types::kString) type += listed;
  }
  type += ']';
}

struct NestedMember {
  View key;
  Value value;
};

void append_kvlist(const Value& list, std::string& text, std::string& type, Arena& arena, Redactor* redactor) {
  std::vector<NestedMember> members;
  for_each_field(list, [&](const Reader& field) {
    if (field.tag() != kValues) return;
    NestedMember& member = add_to(members);
    for (Reader part(field.bytes(), kMaxDepth); part.next();) {
      if (part.tag() == kKey) member.key = part.bytes();
      if (part.tag() != kKeyValue) continue;
      for (Reader inner(part.bytes(), kMaxDepth); inner.next();) read_field(inner, member.value, arena);
    }
  });
  // Of two values with one key the first stays the first.
  std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::vector<std::string> member_types(members.size());
  text += '{';
  for (size_t i = 0; i < members.size(); ++i) {
    if (i > 0) text += ',';
    append_json(text, members[i].key);
    text += ':';
    NestedMember& member = members[i];
    const bool within = redactor != nullptr && redactor->redact_value(redactor->find(member.key), member.value, arena);
    append_nested(member.value, text, member_types[i], arena, within ? redactor : nullptr);
  }
  text += '}';
  std::vector<Member> typed;
  typed.reserve(members.size());
  for (size_t i = 0; i < members.size(); ++i) typed.push_back({members[i].key, View(), member_types[i]});
  append_member_types(type, typed);
}

void append_list(const Value& list, std::string& text, std::string& type, Arena& arena, Redactor* redactor) {
  if (list.kind == Kind::kArray) {
    append_array(list, text, type, arena, redactor);
  } else {
    append_kvlist(list, text, type, arena, redactor);
  }
}

}  // namespace

void read_value(View message, int depth, Value& value, Arena& arena) {
  for (Reader field(message, depth); field.next();) {
    if (field.tag() == kStringValue) text(field.bytes());
    if (field.tag() == kArrayValue) check_list(field.bytes(), enter(depth), false);
    if (field.tag() == kKvlistValue) check_list(field.bytes(), enter(depth), true);
    read_field(field, value, arena);
  }
}

Text as_made_text(const Value& value, Arena& arena, Redactor* redactor) {
  switch (value.kind) {
    case Kind::kEmpty:
      return {View(), types::kEmpty};
    case Kind::kBool:
      return {value.number != 0 ? "true" : "false", types::kBool};
    case Kind::kInt: {
      char digits[kLongestInt];
      return {arena.keep(View(digits, write_int(digits, static_cast<int64_t>(value.number)))), types::kInt};
    }
    default:
      break;
  }
  std::string text, type;
  if (value.kind == Kind::kArray || value.kind == Kind::kKvlist) {
    append_list(value, text, type, arena, redactor);
    return {arena.keep(text), arena.keep(type)};
  }
  append_scalar(text, value);
  return {arena.keep(text), scalar_type(value.kind)};
}

bool has_parts(const Value& value, Arena& arena) {
  if (value.kind != Kind::kArray) return value.kind == Kind::kKvlist;
  bool is_first = true, has = false;
  for_each_field(value, [&](const Reader& field) {
    if (field.tag() != kValues || !is_first) return;
    is_first = false;
    has = nested(field.bytes(), arena).kind == Kind::kKvlist;
  });
  return has;
}

void append_member_types(std::string& out, const std::vector<Member>& members) {
  bool any = false;
  out += '{';
  for (size_t first = 0; first < members.size();) {
    size_t last = first;
    bool strings = true;
    for (; last < members.size() && members[last].key == members[first].key; ++last) {
      strings = strings && members[last].type == types::kString;
    }
    for (size_t i = first; i < last && !strings; ++i) {
      if (any) out += ',';
      any = true;
      append_json(out, members[i].key);
      out += ':';
      out += members[i].type;
    }
    first = last;
  }
  out += '}';
}

}  // namespace lognotary
