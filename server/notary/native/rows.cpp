#include "rows.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace lognotary {
namespace {

constexpr size_t kHeadSize = kIdSize + sizeof(uint64_t) + 1;
constexpr size_t kLeastCopied = 4096;
constexpr uint64_t kMostSorted = 1 << 16;  // pairs of a map (see leaf_rows.py)

// Returns whether two neighbours of a map are in the order of the canonical record.
bool is_in_order(const Pair& before, const Pair& after) {
  const int keys = before.key.compare(after.key);
  return keys < 0 || (keys == 0 && before.value <= after.value);
}

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

// Returns the end of the row that begins at `at`, or null where the data ends before it does; and whether all its maps
// are in the order of the canonical record.
const char* end_of_row(const std::string& kinds, const char* at, const char* end, bool& in_order) {
  in_order = true;
  Walker walker(at, end);
  if (!walker.skip(kHeadSize)) return nullptr;
  for (size_t place = 0; place < kinds.size(); ++place) {
    const auto kind = static_cast<Kind>(kinds[place]);
    const bool whole = kind == kArray ? skip_array(walker, static_cast<Kind>(kinds[++place]), in_order)
                                      : skip_value(walker, kind, in_order);
    if (!whole) return nullptr;
  }
  return walker.at();
}

}  // namespace

RowHasher::RowHasher(View kinds, int64_t version, uint64_t first_leaf, std::vector<Range> ranges, char* hashes, char* states,
                     RecordFilter* filter, uint64_t most_bytes)
    : kinds_(kinds),
      version_(version),
      first_leaf_(first_leaf),
      ranges_(std::move(ranges)),
      end_leaf_(ranges_.empty() ? first_leaf : ranges_.back().end),
      hashes_(hashes),
      states_(states),
      filter_(filter),
      most_bytes_(most_bytes) {}

void RowHasher::feed(View piece) {
  const char* at = rest_.empty() ? piece.data() : feed_rest(piece);
  const char* const end = piece.data() + piece.size();
  at = feed_rows(at, end);
  if (at != end) rest_.assign(at, end);
}

// Completes the row that began in a piece before; returns where the next row begins in this one.
const char* RowHasher::feed_rest(View piece) {
  const size_t before = rest_.size();
  size_t copied = 0;
  while (copied < piece.size()) {
    // Twice as much each time: a long row is walked over a few times only.
    const size_t more = std::min(piece.size() - copied, std::max(kLeastCopied, rest_.size()));
    rest_.append(piece.data() + copied, more);
    copied += more;
    bool in_order;
    const char* const end = end_of_row(kinds_, rest_.data(), rest_.data() + rest_.size(), in_order);
    if (end == nullptr) continue;
    const size_t size = static_cast<size_t>(end - rest_.data());
    take(View(rest_.data(), size), in_order);
    rest_.clear();
    return piece.data() + (size - before);
  }
  return piece.data() + piece.size();
}

const char* RowHasher::feed_rows(const char* at, const char* end) {
  while (at != end) {
    bool in_order;
    const char* const next = end_of_row(kinds_, at, end, in_order);
    if (next == nullptr) break;
    take(View(at, static_cast<size_t>(next - at)), in_order);
    at = next;
  }
  return at;
}

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
      (in_order || sort_maps(row))) {
    const View record = in_order ? row.substr(kHeadSize) : View(sorted_);
    sha256_.leaf(record, hash);
    state = static_cast<char>(State::kHashed);
    if (filter_ != nullptr) keep(leaf, record);
  } else {
    std::memset(hash, 0, kHashSize);
    state = static_cast<char>(State::kSpoilt);
  }
}

// Keeps a record that the filter admits; all that come after `most_bytes` are dropped.
void RowHasher::keep(uint64_t leaf, View record) {
  if (dropped_ || !filter_->holds(record, leaf)) return;
  kept_.push_back({leaf, std::string(record)});
  kept_bytes_ += record.size();
  dropped_ = kept_bytes_ > most_bytes_;
}

// Tells whether a record begins as those of the version do (see canonical.py).
bool RowHasher::has_version(View record) const {
  int64_t first;
  if (record.size() < sizeof first) return false;
  std::memcpy(&first, record.data(), sizeof first);
  return version_ == 1 ? first >= 0 : first == -version_;
}

// Writes the record of a row to `sorted_`, with the pairs of its maps in order. Returns false if the values of a
// repeated key are not in order (readers see the first one), or if too many pairs are not.
bool RowHasher::sort_maps(View row) {
  sorted_.clear();
  Walker walker(row.data(), row.data() + row.size());
  walker.skip(kHeadSize);
  const char* copied = walker.at();
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
      } else if (!sort_map(walker, copied)) {
        return false;
      }
    }
  }
  sorted_.append(copied, walker.at());
  return true;
}

// Skips a map. If it is not in order, appends what is before it, from `copied` on, and its pairs in order to `sorted_`.
bool RowHasher::sort_map(Walker& walker, const char*& copied) {
  Walker map = walker;
  if (is_sorted(walker)) return true;
  uint64_t pairs;
  map.read_length(pairs);
  if (pairs > kMostSorted) return false;
  sorted_.append(copied, map.at());
  copied = walker.at();
  pairs_.resize(pairs);
  for (Pair& pair : pairs_) map.read_pair(pair);
  const auto by_key = [](const Pair& left, const Pair& right) { return left.key < right.key; };
  std::stable_sort(pairs_.begin(), pairs_.end(), by_key);
  const auto is_not_in_order = [](const Pair& before, const Pair& after) { return !is_in_order(before, after); };
  if (std::adjacent_find(pairs_.begin(), pairs_.end(), is_not_in_order) != pairs_.end()) return false;
  for (const Pair& pair : pairs_) sorted_.append(pair.encoded);
  return true;
}

}  // namespace lognotary
