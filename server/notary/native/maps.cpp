#include "maps.hpp"

#include <algorithm>

namespace lognotary {
namespace {

bool is_not_in_order(const Pair& before, const Pair& after) { return !is_in_order(before, after); }

bool skip_map(Walker& walker, bool& in_order) {
  uint64_t pairs;
  if (!walker.read_length(pairs)) return false;
  Pair before{}, pair{};
  // A row that is too long is noticed before there are too many pairs: each has two bytes.
  for (uint64_t number = 0; number < pairs; ++number) {
    if (!walker.read_pair(pair)) return false;
    in_order = in_order && (number == 0 || is_in_order(before, pair));
    before = pair;
  }
  return true;
}

// Skips a map of a whole row; returns whether it is in order.
bool is_sorted(Walker& walker) {
  bool in_order = true;
  skip_map(walker, in_order);
  return in_order;
}

// Skips a value that is no array.
bool skip_value(Walker& walker, Kind kind, bool& in_order) {
  View string;
  return kind == kString ? walker.read_string(string)
         : kind == kMap  ? skip_map(walker, in_order)
                         : walker.skip(kind);
}

bool skip_array(Walker& walker, Kind element, bool& in_order) {
  uint64_t elements;
  if (!walker.read_length(elements)) return false;
  // A row that is too long is noticed before there are too many elements: each has a byte.
  for (uint64_t number = 0; number < elements; ++number) {
    if (!skip_value(walker, element, in_order)) return false;
  }
  return true;
}

}  // namespace

bool skip_record(Walker& walker, const std::string& kinds, bool& in_order) {
  in_order = true;
  for (size_t place = 0; place < kinds.size(); ++place) {
    const auto kind = static_cast<Kind>(kinds[place]);
    const bool whole = kind == kArray ? skip_array(walker, static_cast<Kind>(kinds[++place]), in_order)
                                      : skip_value(walker, kind, in_order);
    if (!whole) return false;
  }
  return true;
}

bool MapSorter::sort(View record, uint64_t most) {
  sorted_.clear();
  Walker walker(record.data(), record.data() + record.size());
  const char* copied = walker.at();
  bool values_in_order = true;
  for (size_t place = 0; place < kinds_.size(); ++place) {
    auto kind = static_cast<Kind>(kinds_[place]);
    uint64_t values = 1;
    if (kind == kArray) {
      kind = static_cast<Kind>(kinds_[++place]);
      walker.read_length(values);
    }
    for (; values > 0; --values) {
      bool in_order;
      if (kind != kMap) {
        skip_value(walker, kind, in_order);
      } else if (!sort_map(walker, copied, most, values_in_order)) {
        return false;
      }
    }
  }
  sorted_.append(copied, walker.at());
  return values_in_order;
}

// Skips a map. If it is not in order, appends what is before it, from `copied` on, and its pairs in order to `sorted_`.
// Returns false if it has too many pairs for that.
bool MapSorter::sort_map(Walker& walker, const char*& copied, uint64_t most, bool& values_in_order) {
  Walker map = walker;
  if (is_sorted(walker)) return true;
  uint64_t pairs;
  map.read_length(pairs);
  if (pairs > most) return false;
  sorted_.append(copied, map.at());
  copied = walker.at();
  pairs_.resize(pairs);
  for (Pair& pair : pairs_) map.read_pair(pair);
  const auto by_key = [](const Pair& left, const Pair& right) { return left.key < right.key; };
  std::stable_sort(pairs_.begin(), pairs_.end(), by_key);
  if (std::adjacent_find(pairs_.begin(), pairs_.end(), is_not_in_order) != pairs_.end()) {
    values_in_order = false;
    const auto by_both = [](const Pair& left, const Pair& right) { return is_not_in_order(right, left); };
    std::sort(pairs_.begin(), pairs_.end(), by_both);
  }
  for (const Pair& pair : pairs_) sorted_.append(pair.encoded);
  return true;
}

}  // namespace lognotary
