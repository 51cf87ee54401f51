#include "rows.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace lognotary {
namespace {

constexpr uint64_t kMostBytes = 1 << 30;  // of a row; ClickHouse's own limit for a string (see leaf_rows.py)
constexpr int kLongestLength = 5;         // bytes of a length below that, and more
constexpr size_t kHeadSize = kIdSize + sizeof(uint64_t) + 1;
constexpr size_t kLeastCopied = 4096;

// Walks over one row. Stops, and stays stopped, where the data ends before the row does.
class Walker {
 public:
  Walker(const char* start, const char* end) : start_(start), at_(start), end_(end) {}

  const char* at() const { return at_; }

  bool skip(uint64_t size) {
    if (size > kMostBytes - static_cast<uint64_t>(at_ - start_)) throw std::invalid_argument("a row is too long");
    if (size > static_cast<uint64_t>(end_ - at_)) return false;
    at_ += size;
    return true;
  }

  bool skip_string() {
    uint64_t size;
    return read_length(size) && skip(size);
  }

  bool skip_map() {
    uint64_t pairs;
    if (!read_length(pairs)) return false;
    // A row that is too long is noticed before there are too many pairs: each has two bytes.
    for (; pairs > 0; --pairs) {
      if (!skip_string() || !skip_string()) return false;
    }
    return true;
  }

 private:
  bool read_length(uint64_t& length) {
    length = 0;
    for (int place = 0; place < kLongestLength; ++place) {
      if (!skip(1)) return false;
      const auto byte = static_cast<unsigned char>(at_[-1]);
      length |= static_cast<uint64_t>(byte & 0x7F) << 7 * place;
      if (byte < 0x80) return true;
    }
    throw std::invalid_argument("a length is too long");
  }

  const char* const start_;
  const char* at_;
  const char* const end_;
};

// Returns the end of the row that begins at `at`, or null where the data ends before it does.
const char* end_of_row(const std::string& kinds, const char* at, const char* end) {
  Walker walker(at, end);
  if (!walker.skip(kHeadSize)) return nullptr;
  for (const char code : kinds) {
    const auto kind = static_cast<Kind>(code);
    const bool whole = kind == kString ? walker.skip_string() : kind == kMap ? walker.skip_map() : walker.skip(kind);
    if (!whole) return nullptr;
  }
  return walker.at();
}

}  // namespace

RowHasher::RowHasher(View kinds, uint64_t first_leaf, std::vector<Range> ranges, char* hashes, char* states)
    : kinds_(kinds),
      first_leaf_(first_leaf),
      ranges_(std::move(ranges)),
      end_leaf_(ranges_.empty() ? first_leaf : ranges_.back().end),
      hashes_(hashes),
      states_(states) {}

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
    const char* const end = end_of_row(kinds_, rest_.data(), rest_.data() + rest_.size());
    if (end == nullptr) continue;
    const size_t size = static_cast<size_t>(end - rest_.data());
    take(View(rest_.data(), size));
    rest_.clear();
    return piece.data() + (size - before);
  }
  return piece.data() + piece.size();
}

const char* RowHasher::feed_rows(const char* at, const char* end) {
  while (at != end) {
    const char* const next = end_of_row(kinds_, at, end);
    if (next == nullptr) break;
    take(View(at, static_cast<size_t>(next - at)));
    at = next;
  }
  return at;
}

void RowHasher::take(View row) {
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
  const bool computed_ok = row[kHeadSize - 1] != 0;
  const bool right = computed_ok && (range.any || std::memcmp(row.data(), range.batch_id.data(), kIdSize) == 0);
  char& state = states_[leaf - first_leaf_];
  char* const hash = hashes_ + kHashSize * (leaf - first_leaf_);
  if (right && state == static_cast<char>(State::kNone)) {
    sha256_.leaf(row.substr(kHeadSize), hash);
    state = static_cast<char>(State::kHashed);
  } else {
    std::memset(hash, 0, kHashSize);
    state = static_cast<char>(State::kSpoilt);
  }
}

}  // namespace lognotary
