#include "stops.hpp"

#include <algorithm>
#include <cstring>

#ifdef LOGNOTARY_SSSE3
#include <tmmintrin.h>
#endif

namespace lognotary {

void StopsOfText::add(uint64_t stops, uint64_t card_bytes) {
  words_.push_back(stops);
  any_ = any_ || stops != 0;
  const size_t leading = card_bytes == ~uint64_t{0} ? 64 : static_cast<size_t>(__builtin_ctzll(~card_bytes));
  may_have_card_ = may_have_card_ || card_bytes_ + leading >= kShortestCard;
  card_bytes_ = leading == 64 ? card_bytes_ + 64 : static_cast<size_t>(__builtin_clzll(~card_bytes));
  uint64_t runs = card_bytes & card_bytes >> 1;  // of two, of four, of eight
  runs &= runs >> 2;
  runs &= runs >> 4;
  static_assert(kShortestCard > 8 && kShortestCard <= 16);
  may_have_card_ = may_have_card_ || (runs & runs >> (kShortestCard - 8)) != 0;
}

void Stops::Halves::add(char byte, uint8_t set) {
  const auto number = static_cast<unsigned char>(byte);
  low[number & 15] |= set;
  high[number >> 4] |= set;
}

Stops::Stops() {
#ifdef LOGNOTARY_SSSE3
  has_ssse3_ = __builtin_cpu_supports("ssse3");
#endif
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (is_card_byte(c)) card_bytes_.add(c, c >= '0' ? 1 : 2);
  }
}

void Stops::add(Place place, Kind kind, char byte) {
  const auto set = static_cast<uint8_t>(1U << kind);
  kinds_[place][static_cast<unsigned char>(byte)] |= set;
  halves_[place].add(byte, set);
}

void Stops::add(Kind kind, View bytes) {
  for (const char byte : bytes) add(kHere, kind, byte);
}

void Stops::add_before(Kind kind, char byte) { add(kBefore, kind, byte); }

void Stops::add_two_before(Kind kind, char byte) { add(kTwoBefore, kind, byte); }

void Stops::add_any_two_before(Kind kind) {
  for (int byte = 0; byte < 256; ++byte) add(kTwoBefore, kind, static_cast<char>(byte));
}

void Stops::find(View text, StopsOfText& into) const {
  into.clear();
#ifdef LOGNOTARY_SSSE3
  if (has_ssse3_) {
    find_in_blocks(text, into);
    return;
  }
#endif
  for (size_t base = 0; base < text.size(); base += 64) {
    uint64_t stops = 0, card_bytes = 0;
    for (size_t at = base; at < std::min(base + 64, text.size()); ++at) {
      stops |= uint64_t{is_stop(text, at)} << (at - base);
      card_bytes |= uint64_t{is_card_byte(text[at])} << (at - base);
    }
    into.add(stops, card_bytes);
  }
}

#ifdef LOGNOTARY_SSSE3
namespace {

#define LOGNOTARY_FOR_SSSE3 [[gnu::target("ssse3")]] inline

template <typename Word>
uint64_t word_at(const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

LOGNOTARY_FOR_SSSE3 __m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

// Returns a text of less than 16 bytes, and anything behind it.
LOGNOTARY_FOR_SSSE3 __m128i load_short(View text) {
  const size_t size = text.size();
  const char* const data = text.data();
#ifdef LOGNOTARY_READS_ON
  if (can_read_on(data)) return load(data);
#endif
  uint64_t low = 0, high = 0;
  if (size >= 8) {
    low = word_at<uint64_t>(data);
    if (size > 8) high = word_at<uint64_t>(data + size - 8) >> 8 * (16 - size);
  } else if (size >= 4) {
    low = word_at<uint32_t>(data) | word_at<uint32_t>(data + size - 4) << 8 * (size - 4);
  } else {
    for (size_t i = 0; i < size; ++i) low |= word_at<uint8_t>(data + i) << 8 * i;
  }
  return _mm_set_epi64x(static_cast<int64_t>(high), static_cast<int64_t>(low));
}

// Returns the sets that each byte is in, 0 if there are none.
LOGNOTARY_FOR_SSSE3 __m128i sets_of(__m128i bytes, const uint8_t* low, const uint8_t* high) {
  const __m128i nibble = _mm_set1_epi8(15);
  return _mm_and_si128(_mm_shuffle_epi8(load(low), _mm_and_si128(bytes, nibble)),
                       _mm_shuffle_epi8(load(high), _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble)));
}

// Returns a bit for each byte that is not 0.
LOGNOTARY_FOR_SSSE3 uint32_t bits_of(__m128i bytes) {
  return ~static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128()))) & 0xFFFF;
}

}  // namespace

[[gnu::target("ssse3")]] void Stops::find_in_blocks(View text, StopsOfText& into) const {
  const size_t size = text.size();
  const uint32_t wanted = size < kBlock ? (1U << size) - 1 : 0xFFFF;
  const __m128i spaces = _mm_set1_epi8(' ');
  for (size_t base = 0; base < size; base += 64) {
    uint64_t stops = 0, card_bytes = 0;
    for (size_t at = base; at < std::min(base + 64, size); at += kBlock) {
      // The last block begins before `at`, if it can.
      const size_t start = size < kBlock ? 0 : std::min(at, size - kBlock), shift = at - start;
      const __m128i here = size < kBlock ? load_short(text) : load(text.data() + start);
      const __m128i before = start >= 1 ? load(text.data() + start - 1) : _mm_alignr_epi8(here, spaces, kBlock - 1);
      const __m128i two_before =
          start >= 2 ? load(text.data() + start - 2) : _mm_alignr_epi8(before, spaces, kBlock - 1);
      const __m128i kinds = _mm_and_si128(
          sets_of(here, halves_[kHere].low, halves_[kHere].high),
          _mm_and_si128(sets_of(before, halves_[kBefore].low, halves_[kBefore].high),
                        sets_of(two_before, halves_[kTwoBefore].low, halves_[kTwoBefore].high)));
      stops |= uint64_t{(bits_of(kinds) & wanted) >> shift} << (at - base);
      card_bytes |= uint64_t{(bits_of(sets_of(here, card_bytes_.low, card_bytes_.high)) & wanted) >> shift} << (at - base);
    }
    into.add(exact(text, base, stops), card_bytes);
  }
}
#endif

// Returns those that are stops by their whole bytes.
uint64_t Stops::exact(View text, size_t base, uint64_t stops) const {
  uint64_t found = 0;
  for (uint64_t left = stops; left != 0; left &= left - 1) {
    const auto place = static_cast<size_t>(__builtin_ctzll(left));
    if (is_stop(text, base + place)) found |= uint64_t{1} << place;
  }
  return found;
}

}  // namespace lognotary
