#include "rows.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace lognotary {
namespace {

constexpr size_t kHeadSize = kIdSize + sizeof(uint64_t) + 1;
constexpr uint64_t kMostSortedPairs = 1 << 16;  // of a map (see leaf_rows.py)

}  // namespace

RowHasher::RowHasher(View kinds, int64_t version, uint64_t first_leaf, std::vector<Range> ranges, char* hashes, char* states,
                     RecordFilter* filter, uint64_t most_bytes)
    : kinds_(kinds),
      sorter_(kinds_),
      version_(version),
      first_leaf_(first_leaf),
      ranges_(std::move(ranges)),
      end_leaf_(ranges_.empty() ? first_leaf : ranges_.back().end),
      hashes_(hashes),
      states_(states),
      filter_(filter),
      most_bytes_(most_bytes) {}

void RowHasher::take(View row, bool in_order) {
  uint64_t leaf;
  std::memcpy(&leaf, row.data() + kIdSize, sizeof leaf);
  if (leaf < first_leaf_ || leaf >= end_leaf_) throw std::invalid_argument("a row claims a leaf that was not asked for");
  const auto holds = [&](size_t place) {
    return leaf < ranges_[place].end && (place == 0 || leaf >= ranges_[place - 1].end);
  };
  if (!holds(range_)) {
    const auto ends_after = [](uint64_t number, const Range& range) { return number < range.end; };
    range_ = static_cast<size_t>(std::upper_bound(ranges_.begin(), ranges_.end(), leaf, ends_after) - ranges_.begin());
  }
  const Range& range = ranges_[range_];
  const bool right_beside = row[kHeadSize - 1] != 0;
  const bool right = right_beside && (range.any || std::memcmp(row.data(), range.batch_id.data(), kIdSize) == 0);
  char& state = states_[leaf - first_leaf_];
  char* const hash = hashes_ + kHashSize * (leaf - first_leaf_);
  if (right && state == static_cast<char>(State::kNone) && has_version(row.substr(kHeadSize)) &&
      (in_order || sorter_.sort(row.substr(kHeadSize), kMostSortedPairs))) {
    const View record = in_order ? row.substr(kHeadSize) : sorter_.record();
    sha256_.leaf(record, hash);
    state = static_cast<char>(State::kHashed);
    if (filter_ != nullptr) keep(leaf, record);
  } else {
    std::memset(hash, 0, kHashSize);
    state = static_cast<char>(State::kSpoilt);
  }
}

// Keeps a record if it passes the filter; drops all records once those kept have more than `most_bytes`.
void RowHasher::keep(uint64_t leaf, View record) {
  if (dropped_ || !filter_->holds(record, leaf)) return;
  kept_.push_back({leaf, std::string(record)});
  kept_bytes_ += record.size();
  dropped_ = kept_bytes_ > most_bytes_;
}

// Returns whether a record begins as records of the version do (see canonical.py).
bool RowHasher::has_version(View record) const {
  int64_t first;
  if (record.size() < sizeof first) return false;
  std::memcpy(&first, record.data(), sizeof first);
  return version_ == 1 ? first >= 0 : first == -version_;
}

}  // namespace lognotary
