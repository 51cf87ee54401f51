#include "search.hpp"

#include "commonness.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#include <emmintrin.h>
#define LOGNOTARY_SSE2
#endif

namespace lognotary {
namespace {

// Returns the place of the rarest byte of a text, besides one place.
size_t rarest(View text, size_t besides) {
  size_t found = besides == 0 ? 1 : 0;
  for (size_t i = found + 1; i < text.size(); ++i) {
    if (i != besides && commonness(text[i]) < commonness(text[found])) found = i;
  }
  return found;
}

}  // namespace

bool has_text(View text, View wanted) {
  size_t at = 0;
#ifdef LOGNOTARY_SSE2
  constexpr size_t kBlock = 16, kStep = 2 * kBlock;
  if (wanted.size() >= 2 && text.size() >= wanted.size()) {
    // Two rare bytes at their distance are rarer than any one of them.
    const size_t first = rarest(wanted, View::npos), second = rarest(wanted, first);
    const __m128i one = _mm_set1_epi8(wanted[first]), other = _mm_set1_epi8(wanted[second]);
    const auto both_at = [&](size_t place) {
      const char* const from = text.data() + place;
      return _mm_and_si128(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + first)), one),
                           _mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + second)), other));
    };
    const size_t last = text.size() - wanted.size() + 1;  // behind the last place at which it can be
    for (; at + kStep <= last; at += kStep) {
      const __m128i low = both_at(at), high = both_at(at + kBlock);
      if (_mm_movemask_epi8(_mm_or_si128(low, high)) == 0) continue;
      auto places = static_cast<uint32_t>(_mm_movemask_epi8(low)) | static_cast<uint32_t>(_mm_movemask_epi8(high)) << kBlock;
      for (; places != 0; places &= places - 1) {
        if (text.substr(at + static_cast<size_t>(__builtin_ctz(places)), wanted.size()) == wanted) return true;
      }
    }
  }
#endif
  return text.find(wanted, at) != View::npos;
}

}  // namespace lognotary
