// Blocks of 16 bytes, for processors that have SSSE3.
#pragma once

#include "byte_sets.hpp"

#ifdef LOGNOTARY_SSSE3

#include <tmmintrin.h>

#include <cstring>

#define LOGNOTARY_FOR_SSSE3 [[gnu::target("ssse3")]]

namespace lognotary {

inline bool has_ssse3() { return __builtin_cpu_supports("ssse3"); }

template <typename Word>
uint64_t word_at(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

LOGNOTARY_FOR_SSSE3 inline __m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

// Returns a text that is shorter than a block, and anything behind it.
LOGNOTARY_FOR_SSSE3 inline __m128i load_short(View text) {
  const size_t size = text.size();
  const char* const data = text.data();
#ifdef LOGNOTARY_READS_ON
  if (can_read_on(data)) return load(data);
#endif
  uint64_t low = 0, high = 0;
  if (size >= 8) {
    low = word_at<uint64_t>(data);
    if (size > 8) high = word_at<uint64_t>(data + size - 8) >> 8 * (kBlock - size);
  } else if (size >= 4) {
    low = word_at<uint32_t>(data) | word_at<uint32_t>(data + size - 4) << 8 * (size - 4);
  } else {
    for (size_t i = 0; i < size; ++i) low |= word_at<uint8_t>(data + i) << 8 * i;
  }
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

// Returns the sets of each byte, by its halves.
LOGNOTARY_FOR_SSSE3 inline __m128i sets_of(__m128i bytes, const ByteSets& sets) {
  const __m128i nibble = _mm_set1_epi8(15);
  return _mm_and_si128(_mm_shuffle_epi8(load(sets.of_low()), _mm_and_si128(bytes, nibble)),
                       _mm_shuffle_epi8(load(sets.of_high()), _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble)));
}

// Returns a bit for each byte that is not 0.
LOGNOTARY_FOR_SSSE3 inline uint32_t bits_of(__m128i bytes) {
  return ~static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))) & 0xFFFF;
}

}  // namespace lognotary

#endif
