// Sets of bytes, to which the bytes of texts are compared many at a time.
#pragma once

#include <array>
#include <cstdint>

#include "wire.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define LOGNOTARY_SSSE3
#endif

namespace lognotary {

constexpr size_t kBlock = 16;

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define LOGNOTARY_SANITIZED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define LOGNOTARY_SANITIZED
#endif

#if defined(LOGNOTARY_SSSE3) && !defined(LOGNOTARY_SANITIZED)
#define LOGNOTARY_READS_ON

// Tells whether a block can be read, though a text has less: what is behind it on the same page means nothing, but is
// there.
inline bool can_read_on(const char* text) {
  constexpr uintptr_t kPage = 4096;
  return reinterpret_cast<uintptr_t>(text) % kPage <= kPage - kBlock;
}
#endif

// Up to eight sets of bytes, each with a bit.
class ByteSets {
 public:
  void add(char byte, uint8_t sets) {
    const auto number = static_cast<unsigned char>(byte);
    of_byte_[number] |= sets;
    of_low_[number & 15] |= sets;
    of_high_[number >> 4] |= sets;
  }

  // Returns the sets that have a byte.
  uint8_t of(char byte) const { return of_byte_[static_cast<unsigned char>(byte)]; }

  // Returns the sets that may have some byte of a text: by their halves, some bytes are taken for others.
  uint8_t in(View text) const;

  // By the halves of bytes: a set that has a byte has both of its halves.
  const uint8_t* of_low() const { return of_low_.data(); }
  const uint8_t* of_high() const { return of_high_.data(); }

 private:
  std::array<uint8_t, 256> of_byte_{};
  std::array<uint8_t, kBlock> of_low_{}, of_high_{};
};

}  // namespace lognotary
