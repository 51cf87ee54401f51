#include "byte_sets.hpp"

#include <algorithm>

#include "blocks.hpp"

namespace lognotary {
namespace {

#ifdef LOGNOTARY_SSSE3
LOGNOTARY_FOR_SSSE3 uint8_t sets_in_blocks(View text, const ByteSets& sets) {
  __m128i found = _mm_setzero_si128();
  if (text.size() < kBlock) {
    const __m128i places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m128i wanted = _mm_cmplt_epi8(places, _mm_set1_epi8(static_cast<char>(text.size())));
    found = _mm_and_si128(sets_of(load_short(text), sets), wanted);
  } else {
    const size_t last = text.size() - kBlock;
    for (size_t at = 0; at < last; at += kBlock) found = _mm_or_si128(found, sets_of(load(text.data() + at), sets));
    found = _mm_or_si128(found, sets_of(load(text.data() + last), sets));
  }
  const auto all = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_or_si128(found, _mm_srli_si128(found, 8))));
  const uint64_t half = all | all >> 32, quarter = half | half >> 16;
  return static_cast<uint8_t>(quarter | quarter >> 8);
}
#endif

}  // namespace

uint8_t ByteSets::in(View text) const {
  if (text.empty()) return 0;
#ifdef LOGNOTARY_SSSE3
  if (has_ssse3()) return sets_in_blocks(text, *this);
#endif
  uint8_t found = 0;
  for (const char byte : text) found |= of(byte);
  return found;
}

}  // namespace lognotary
