// OTLP values as a text and a type, as server/codec/values.py describes, from wire bytes.
#pragma once

#include <vector>

#include "buffer.hpp"

namespace lognotary {

enum class Kind : uint8_t { kEmpty, kString, kInt, kDouble, kBool, kBytes, kArray, kKvlist };

// An AnyValue that has been read and checked, but not yet turned into a text.
struct Value {
  Kind kind = Kind::kEmpty;
  uint64_t number = 0;            // an int, a bool, or a double's bits
  View bytes;                     // a string, bytes, or the fields of an array or key-value list
  std::vector<View>* more = nullptr;  // of a list that was sent in several parts, those after the first
};

// A text with its type. The types of scalars are always the literals below.
struct Text {
  View text;
  View type;
};

namespace types {
constexpr View kString = "\"string\"", kInt = "\"int\"", kDouble = "\"double\"", kBool = "\"bool\"",
               kBytes = "\"bytes\"", kEmpty = "\"empty\"";
}

// Makes room for one more member of a list that a sender can make long.
template <typename T>
T& add_to(std::vector<T>& list) {
  if (list.size() >= kMaxMembers) throw Refused{Refusal::kTooManyMembers};
  return list.emplace_back();
}

// Reads an AnyValue's fields into `value`, on top of what it holds: parts of one message merge.
void read_value(View message, int depth, Value& value, Arena& arena);

class Redactor;

Text as_made_text(const Value& value, Arena& arena, Redactor* redactor);

// Returns a value's text and type; they live as long as the request and the arena. What is within an array or key-value
// list is redacted, if there is a redactor; the value itself is not.
inline Text as_text(const Value& value, Arena& arena, Redactor* redactor = nullptr) {
  if (value.kind == Kind::kString) return {value.bytes, types::kString};
  return as_made_text(value, arena, redactor);
}

// Tells whether a value is a key-value list, or an array that begins with one.
bool has_parts(const Value& value, Arena& arena);

// A member of a key-value list, or an attribute.
struct Member {
  View key;
  View text;
  View type;
};

// Appends the type of a key-value list whose members are in order: members of a key stand together.
void append_member_types(std::string& out, const std::vector<Member>& members);

}  // namespace lognotary
