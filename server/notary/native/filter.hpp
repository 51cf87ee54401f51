// Decides which canonical records a query is about: storage/record_filters.py makes the programs, and says in Python
// what they mean (storage/condition_values.py).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest.hpp"

namespace lognotary {

// A part of a program, with what it is about. The numbers are those of storage/record_filters.py.
enum class Test : uint8_t {
  kAllOf,
  kAnyOf,
  kNegated,
  kIsOneOf,
  kHolds,
  kResembles,
  kHasWords,
  kHasWordsLike,
  kExists,
  kTextWithin,
  kNumberWithin,
  kIntegerWithin,
  kSeverityWithin,
  kTimeWithin,
};

enum class PlaceKind : uint8_t { kConstant, kColumn, kAttribute, kAnyAttribute };
enum class NumberKind : uint8_t { kConstant, kColumn, kLeaf };
enum class EndKind : uint8_t { kOpen, kExcluded, kIncluded };

struct Place {
  PlaceKind kind = PlaceKind::kConstant;
  size_t column = 0;
  size_t other = 0;  // the second map of kAnyAttribute
  std::string text;  // the constant, or the key
};

struct End {
  EndKind kind = EndKind::kOpen;
  std::string text;
  double number = 0;
  uint64_t integer = 0;
  int64_t time = 0;
};

struct Node {
  Test test = Test::kAllOf;
  Place place;
  NumberKind number = NumberKind::kConstant;
  bool ignores_case = false;
  std::string text;
  std::vector<std::string> texts;  // also names of severities
  std::vector<uint8_t> numbers;    // of these
  uint8_t lowest = 0, highest = 0;
  End low, high;
  std::vector<Node> parts;
};

class RecordFilter {
 public:
  // Kinds are those of rows.hpp. Throws std::invalid_argument if the program is none, or not for records of these kinds.
  RecordFilter(View program, View kinds);

  // Tells whether the record of a leaf passes. Throws std::invalid_argument if the record ends too early.
  bool holds(View record, uint64_t leaf);

 private:
  bool test(const Node& node);
  bool is_one_of(const Node& node);
  bool resembles(const Node& node);
  bool has_words(const Node& node);
  bool has_words_like(const Node& node);
  bool is_severity_within(const Node& node) const;
  bool is_time_within(const Node& node) const;
  View text(const Place& place) const;
  bool exists(const Place& place) const;
  uint64_t integer(size_t column) const;
  int64_t time(size_t column) const;
  View lower(View text);

  const std::string kinds_;
  Node root_;
  size_t columns_used_ = 0;
  uint64_t leaf_ = 0;
  std::vector<View> columns_;  // texts without their length, all else as it is encoded
  std::string lower_;
  std::vector<char> ends_, reached_;
};

}  // namespace lognotary
