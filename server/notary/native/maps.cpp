#include "maps.hpp"

#include <algorithm>

namespace lognotary {
namespace {

bool is_not_in_order(const Pair& before, const Pair& after) { return !is_in_order(before, after); }

// Skips a map; clears `in_order` if it is not in order.
bool skip_map(Cursor& cursor, bool& in_order) {
  uint64_t pairs;
  if (!cursor.take_length(pairs)) return false;
  Pair before{}, pair{};
  for (uint64_t number = 0; number < pairs; ++number) {  // the data ends in time: each pair has two bytes or more
    if (!cursor.take_pair(pair)) return false;
    in_order = in_order && (number == 0 || is_in_order(before, pair));
    before = pair;
  }
  return true;
}

// Skips a value that is not an array.
bool skip_value(Cursor& cursor, Kind kind, bool& in_order) {
  View text;
  return kind == kString ? cursor.take_text(text) : kind == kMap ? skip_map(cursor, in_order) : cursor.skip(kind);
}

bool skip_array(Cursor& cursor, Kind element, bool& in_order) {
  uint64_t elements;
  if (!cursor.take_length(elements)) return false;
  for (uint64_t number = 0; number < elements; ++number) {  // the data ends in time: each element has a byte or more
    if (!skip_value(cursor, element, in_order)) return false;
  }
  return true;
}

}  // namespace

bool MapSorter::is_record(View bytes, bool& in_order) const {
  in_order = true;
  Cursor cursor(bytes);
  for (size_t place = 0; place < kinds_.size(); ++place) {
    const auto kind = static_cast<Kind>(kinds_[place]);
    const bool is_there = kind == kArray ? skip_array(cursor, static_cast<Kind>(kinds_[++place]), in_order)
                                         : skip_value(cursor, kind, in_order);
    if (!is_there) return false;
  }
  return cursor.is_at_end();
}

bool MapSorter::sort(View record, uint64_t most) {
  sorted_.clear();
  Cursor cursor(record);
  const char* copied = cursor.at();
  bool values_in_order = true;
  for (size_t place = 0; place < kinds_.size(); ++place) {
    auto kind = static_cast<Kind>(kinds_[place]);
    uint64_t values = 1;
    if (kind == kArray) {
      kind = static_cast<Kind>(kinds_[++place]);
      cursor.take_length(values);
    }
    for (; values > 0; --values) {
      bool in_order;
      if (kind != kMap) {
        skip_value(cursor, kind, in_order);
      } else if (!sort_map(cursor, copied, most, values_in_order)) {
        return false;
      }
    }
  }
  sorted_.append(copied, cursor.at());
  return values_in_order;
}

// Skips a map. If it is not in order, appends to `sorted_` everything from `copied` to the map's pairs, and then the pairs
// in order. Returns false if it would have to sort more than `most` pairs.
bool MapSorter::sort_map(Cursor& cursor, const char*& copied, uint64_t most, bool& values_in_order) {
  Cursor map = cursor;
  bool in_order = true;
  skip_map(cursor, in_order);
  if (in_order) return true;
  uint64_t pairs;
  map.take_length(pairs);
  if (pairs > most) return false;
  sorted_.append(copied, map.at());
  copied = cursor.at();
  pairs_.resize(pairs);
  for (Pair& pair : pairs_) map.take_pair(pair);
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
