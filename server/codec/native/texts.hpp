// Values within texts: the same as server/codec/audit/texts.py, whose comments describe them.
#pragma once

#include "buffer.hpp"

namespace lognotary {

// What some programs write before a text; it is no part of the text.
constexpr View kByteOrderMark = "\xEF\xBB\xBF";

inline bool begins_with_mark(View text) { return text.substr(0, kByteOrderMark.size()) == kByteOrderMark; }

// A value in a text. Strings of JSON and quoted values are only decoded if somebody asks for their text.
struct RawValue {
  enum Kind : uint8_t { kNone, kNull, kPlain, kString, kQuoted };
  Kind kind = kNone;
  View raw;  // of a string and a quoted value, without the quotes

  bool is_there() const { return kind != kNone && kind != kNull; }
  View text(Arena& arena) const;
};

// Reads the members of a JSON object, one after the other.
class Members {
 public:
  explicit Members(View text);

  bool next();  // false at the end, or where the text is broken
  // After the last member: where the object ends, npos if it is broken.
  size_t end() const { return end_; }
  View key(Arena& arena) const { return key_.text(arena); }
  const RawValue& value() const { return value_; }

 private:
  View text_;
  size_t at_;
  size_t end_ = View::npos;
  RawValue key_, value_;
};

// Reads the pairs of a key=value text, one after the other.
class Pairs {
 public:
  explicit Pairs(View text) : text_(text) {}

  bool next();
  View key() const { return key_; }
  const RawValue& value() const { return value_; }

 private:
  View text_;
  size_t at_ = 0;
  View key_;
  RawValue value_;
};

// Returns the text of the member of a JSON object with a key; of several the last one's, of none an empty text.
View member_of(View object, View key, Arena& arena);

// Tells what members a text has: those of a JSON object, those of a key=value text, or none, as lists have none.
enum class Shape : uint8_t { kObject, kList, kPairs };
Shape shape_of(View text);

// Reads the elements of a list, one after the other, up to the place where the text is broken.
class Elements {
 public:
  explicit Elements(View text);

  bool next();
  bool is_whole() const { return is_whole_; }  // once all have been read: whether the text ends with the list
  const RawValue& value() const { return value_; }
  View text(Arena& arena) const { return value_.is_there() ? value_.text(arena) : View(); }

 private:
  View text_;
  size_t at_;
  bool is_whole_ = false;
  RawValue value_;
};

// Tells whether behind the JSON object with which a text begins, which ends at `end` (npos if it is broken), another one
// or a list stands.
bool is_first_of_several(View text, size_t end);

// Reads the JSON objects in a text that is a list of them, or has several one after the other.
class Objects {
 public:
  explicit Objects(View text);

  bool next(Arena& arena);
  View text() const { return object_; }

 private:
  bool next_element(Arena& arena);
  void next_value();

  View text_;
  size_t at_;
  Elements elements_;
  bool in_list_ = false, has_first_ = false;
  View object_;
};

}  // namespace lognotary
