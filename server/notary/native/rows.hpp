// Hashes the records of rows: server/notary/leaf_rows.py is the definition, and says what a row is.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "digest.hpp"
#include "filter.hpp"
#include "maps.hpp"
#include "cursor.hpp"

namespace lognotary {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rows are little-endian");

constexpr size_t kIdSize = 16;

// The kinds of the columns before the record: batch ID, leaf, and whether the columns beside the record are right.
constexpr Kind kHead[] = {kIdSize, sizeof(uint64_t), 1};

// Leaves from the end of the previous range to `end`, and the batch ID that their rows must name.
struct Range {
  uint64_t end;
  bool any;  // rows may name any ID
  std::array<char, kIdSize> batch_id;
};

enum class State : char { kNone = 0, kHashed = 1, kSpoilt = 2 };

// A record that a filter admits.
struct Kept {
  uint64_t leaf;
  std::string record;
};

class RowHasher {
 public:
  // `hashes` and `states` must be zeros: 32 bytes and 1 byte for each leaf, from `first_leaf` to the end of the last
  // range. Without a filter, no record is kept.
  RowHasher(View kinds, int64_t version, uint64_t first_leaf, std::vector<Range> ranges, char* hashes, char* states,
            RecordFilter* filter = nullptr, uint64_t most_bytes = 0);

  // The kinds of all columns of a row.
  std::string columns() const { return std::string(std::begin(kHead), std::end(kHead)) + kinds_; }

  // Takes a row of these columns, and whether all its maps are in order. Throws std::invalid_argument if the row claims
  // a leaf outside the ranges.
  void take(View row, bool in_order);

  // Returns `take` as a function.
  std::function<void(View, bool)> taker() {
    return [this](View row, bool in_order) { take(row, in_order); };
  }

  // The records that were kept; some of their leaves may have been spoilt by later rows.
  std::vector<Kept>& kept() { return kept_; }

  // Whether records that pass the filter were dropped.
  bool dropped() const { return dropped_; }

 private:
  void keep(uint64_t leaf, View record);
  bool has_version(View record) const;

  const std::string kinds_;
  MapSorter sorter_;
  const int64_t version_;
  const uint64_t first_leaf_;
  const std::vector<Range> ranges_;
  const uint64_t end_leaf_;
  char* const hashes_;
  char* const states_;
  size_t range_ = 0;  // of the previous row; mostly the next row's too
  Sha256 sha256_;
  RecordFilter* const filter_;
  const uint64_t most_bytes_;
  uint64_t kept_bytes_ = 0;
  bool dropped_ = false;
  std::vector<Kept> kept_;
};

}  // namespace lognotary
