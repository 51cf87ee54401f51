// Walks over what RowBinary writes: server/notary/row_walker.py says how.
#pragma once

#include <cstdint>
#include <stdexcept>

#include "digest.hpp"

namespace lognotary {

constexpr uint64_t kMostBytes = 1 << 30;  // of a row; ClickHouse's own limit for a string (see row_walker.py)
constexpr int kLongestLength = 5;         // bytes of a length below that, and more

// How a column's end is found: after so many bytes, or as below. The numbers are those of the binding.
using Kind = uint8_t;
constexpr Kind kString = 0;
constexpr Kind kArray = 254;  // the kind of its elements follows
constexpr Kind kMap = 255;

// A pair of a map; `encoded` has both with their lengths.
struct Pair {
  View key, value, encoded;
};

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

  bool read_string(View& string) {
    uint64_t size;
    if (!read_length(size) || !skip(size)) return false;
    string = View(at_ - size, size);
    return true;
  }

  bool read_pair(Pair& pair) {
    const char* const begin = at_;
    if (!read_string(pair.key) || !read_string(pair.value)) return false;
    pair.encoded = View(begin, static_cast<size_t>(at_ - begin));
    return true;
  }

 private:
  const char* const start_;
  const char* at_;
  const char* const end_;
};

}  // namespace lognotary
