// Hashes records as storage sends them: server/notary/leaf_rows.py says what a row is, and what comes of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "digest.hpp"

namespace lognotary {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are little-endian");

constexpr size_t kIdSize = 16;

// Leaves up to `end`, from where those before end, and the ID that their rows have to name.
struct Range {
  uint64_t end;
  bool any;  // whatever ID they name
  std::array<char, kIdSize> batch_id;
};

// How a column's end is found: after so many bytes, or as below. The numbers are those of the binding.
using Kind = uint8_t;
constexpr Kind kString = 0;
constexpr Kind kArray = 254;  // the kind of its elements follows
constexpr Kind kMap = 255;

enum class State : char { kNone = 0, kHashed = 1, kSpoilt = 2 };

// A pair of a map; `encoded` has both with their lengths.
struct Pair {
  View key, value, encoded;
};

class Walker;

class RowHasher {
 public:
  // `hashes` and `states` are filled with zeros, and have room for every leaf from `first_leaf` to the end of the
  // last range: 32 bytes and one.
  RowHasher(View kinds, int64_t version, uint64_t first_leaf, std::vector<Range> ranges, char* hashes, char* states);

  // Takes what follows on what was taken before; it may end within a row. Throws std::invalid_argument, and
  // std::bad_alloc.
  void feed(View piece);

  // Tells whether what was taken ends with a row.
  bool complete() const { return rest_.empty(); }

 private:
  const char* feed_rest(View piece);
  const char* feed_rows(const char* at, const char* end);
  void take(View row, bool in_order);
  bool sort_maps(View row);
  bool sort_map(Walker& walker, const char*& copied);

  bool has_version(View record) const;

  const std::string kinds_;
  const int64_t version_;
  const uint64_t first_leaf_;
  const std::vector<Range> ranges_;
  const uint64_t end_leaf_;
  char* const hashes_;
  char* const states_;
  size_t range_ = 0;  // of the row before: the next is mostly of the same
  std::string rest_;  // the beginning of a row
  std::string sorted_;  // a record whose maps are sorted
  std::vector<Pair> pairs_;
  Sha256 sha256_;
};

}  // namespace lognotary
