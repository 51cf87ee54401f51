// The order of pairs in the maps of a record: server/notary/map_order.py is the definition.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cursor.hpp"
#include "digest.hpp"

namespace lognotary {

// Returns whether two adjacent pairs of a map are in the order of the canonical record.
inline bool is_in_order(const Pair& before, const Pair& after) {
  const int keys = before.key.compare(after.key);
  return keys < 0 || (keys == 0 && before.value <= after.value);
}

// Sorts the maps of records of some kinds.
class MapSorter {
 public:
  explicit MapSorter(View kinds) : kinds_(kinds) {}

  // Returns whether the bytes are one record, and sets whether all its maps are in order. Throws std::invalid_argument
  // if a length has too many bytes.
  bool is_record(View bytes, bool& in_order) const;

  // Sorts the maps of a valid record. Returns false if the values of a repeated key were not in order. Also returns
  // false, and leaves no record, if a map of more than `most` pairs was not in order.
  bool sort(View record, uint64_t most);

  // The record that was sorted last.
  View record() const { return sorted_; }

 private:
  bool sort_map(Cursor& cursor, const char*& copied, uint64_t most, bool& values_in_order);

  const std::string kinds_;
  std::string sorted_;
  std::vector<Pair> pairs_;
};

}  // namespace lognotary
