// Reads values as RowBinary writes them: server/notary/cursor.py is the definition.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "digest.hpp"

namespace lognotary {

constexpr int kMostLengthBytes = 5;  // enough for 32 GiB, which is more than a block may have

// Size of a column's values in bytes, or one of the kinds below. The binding exports these numbers.
using Kind = uint8_t;
constexpr Kind kString = 0;
constexpr Kind kArray = 254;  // the kind of the elements follows
constexpr Kind kMap = 255;

// A pair of a map. Key and value are without their lengths; `encoded` is both with their lengths.
struct Pair {
  View key, value, encoded;
};

// A position in data. Each method takes what follows, and returns false if the data ends before it; the position is
// undefined then.
class Cursor {
 public:
  Cursor() = default;
  explicit Cursor(View data) : Cursor(data.data(), data.data() + data.size()) {}
  Cursor(const char* at, const char* end) : at_(at), end_(end) {}

  const char* at() const { return at_; }
  bool is_at_end() const { return at_ == end_; }

  bool skip(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) return false;
    at_ += size;
    return true;
  }

  bool take(uint64_t size, View& bytes) {
    if (!skip(size)) return false;
    bytes = View(at_ - size, size);
    return true;
  }

  // Takes a UInt64.
  bool take_number(uint64_t& number) {
    if (!skip(sizeof number)) return false;
    std::memcpy(&number, at_ - sizeof number, sizeof number);
    return true;
  }

  // Takes a length or a count, in unsigned LEB128. Throws std::invalid_argument if it has too many bytes.
  bool take_length(uint64_t& length) {
    length = 0;
    for (int place = 0; place < kMostLengthBytes; ++place) {
      if (at_ == end_) return false;
      const auto byte = static_cast<unsigned char>(*at_++);
      length |= static_cast<uint64_t>(byte & 0x7F) << 7 * place;
      if (byte < 0x80) return true;
    }
    throw std::invalid_argument("a length is too long");
  }

  // Takes a string, and returns it without its length.
  bool take_text(View& text) {
    uint64_t size;
    return take_length(size) && take(size, text);
  }

  // Takes a string, and returns it with its length.
  bool take_string(View& encoded) {
    const char* const begin = at_;
    View text;
    if (!take_text(text)) return false;
    encoded = View(begin, static_cast<size_t>(at_ - begin));
    return true;
  }

  bool take_pair(Pair& pair) {
    const char* const begin = at_;
    if (!take_text(pair.key) || !take_text(pair.value)) return false;
    pair.encoded = View(begin, static_cast<size_t>(at_ - begin));
    return true;
  }

 private:
  const char* at_ = nullptr;
  const char* end_ = nullptr;
};

}  // namespace lognotary
