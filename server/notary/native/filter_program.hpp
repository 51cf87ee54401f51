// Programs of filters: the tree of a query's condition. storage/record_filters.py writes them, and says how.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest.hpp"

namespace lognotary {

// A node of a program, with its operands. The numbers are defined in storage/record_filters.py.
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

constexpr size_t kNoColumn = 0xFFFF;

// Parses a program for records of some kinds (see cursor.hpp). Sets how many columns it needs, counted from the first.
// Throws std::invalid_argument if the program is malformed, or tests a column of another kind.
Node read_program(View program, View kinds, size_t& columns);

}  // namespace lognotary
