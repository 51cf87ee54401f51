// The order of pairs in the maps of a record, as server/notary/map_order.py defines it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "digest.hpp"
#include "walker.hpp"

namespace lognotary {

// Returns whether two neighbours of a map are in the order of the canonical record.
inline bool is_in_order(const Pair& before, const Pair& after) {
  const int keys = before.key.compare(after.key);
  return keys < 0 || (keys == 0 && before.value <= after.value);
}

// Skips the columns of a record; returns false where the data ends before them. Sets whether all its maps are in order.
bool skip_record(Walker& walker, const std::string& kinds, bool& in_order);

// Sorts the maps of records.
class MapSorter {
 public:
  explicit MapSorter(View kinds) : kinds_(kinds) {}

  // Sorts the maps of a record that `skip_record` has walked over. Returns false if the values of a repeated key were
  // not in order; and if a map of more than `most` pairs was not, which ends it: then there is no record.
  bool sort(View record, uint64_t most);

  // The record, until the next one is sorted.
  View record() const { return sorted_; }

 private:
  bool sort_map(Walker& walker, const char*& copied, uint64_t most, bool& values_in_order);

  const std::string kinds_;
  std::string sorted_;
  std::vector<Pair> pairs_;
};

}  // namespace lognotary
