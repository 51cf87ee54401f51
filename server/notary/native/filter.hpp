// Filters of canonical records: storage/record_filters.py writes their programs, and storage/condition_values.py is the
// definition of what they mean.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest.hpp"
#include "filter_program.hpp"

namespace lognotary {

class RecordFilter {
 public:
  // Throws std::invalid_argument if the program is malformed, or not for records of these kinds (see cursor.hpp).
  RecordFilter(View program, View kinds);

  // Returns whether the record of a leaf passes. Throws std::invalid_argument if the record ends too early.
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
  uint64_t leaf_ = 0;
  std::vector<View> columns_;  // strings without their lengths, other values as they are encoded
  std::string lower_;
  std::vector<char> ends_, reached_;
};

}  // namespace lognotary
