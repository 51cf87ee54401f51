#include "stops.hpp"

#include <algorithm>

#include "blocks.hpp"
#include "redaction_forms.hpp"

namespace lognotary {
namespace {

bool is_card_byte(char c) { return is(c, kDigit) || c == ' ' || c == '-'; }

// Tells whether a separator stands between a number and a blank, as in "line 12: …": there is no key.
bool is_behind_number(View text, size_t at) {
  if (at == 0 || !is(text[at - 1], kDigit) || (at + 1 < text.size() && text[at + 1] != ' ')) return false;
  constexpr size_t kLongest = 20;
  size_t start = at;
  while (start > 0 && at - start < kLongest && is(text[start - 1], kDigit)) --start;
  return start == 0 || text[start - 1] == ' ';
}

}  // namespace

Stops::Stops() {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (is_card_byte(c)) card_bytes_.add(c, c >= '0' ? 1 : 2);  // so that halves tell them from others
  }
}

void Stops::add_any_two_before(Kind kind) {
  for (int byte = 0; byte < 256; ++byte) add_two_before(kind, static_cast<char>(byte));
}

void Stops::find(View text, StopsOfText& into) const {
  into.clear();
#ifdef LOGNOTARY_SSSE3
  if (has_ssse3()) {
    find_in_blocks(text, into);
    return;
  }
#endif
  for (size_t base = 0; base < text.size(); base += StopsOfText::kInWord) {
    uint64_t stops = 0, card_bytes = 0;
    for (size_t at = base; at < std::min(base + StopsOfText::kInWord, text.size()); ++at) {
      stops |= uint64_t{is_stop(text, at)} << (at - base);
      card_bytes |= uint64_t{card_bytes_.of(text[at]) != 0} << (at - base);
    }
    into.add(stops, card_bytes);
  }
}

#ifdef LOGNOTARY_SSSE3
LOGNOTARY_FOR_SSSE3 void Stops::find_in_blocks(View text, StopsOfText& into) const {
  const size_t size = text.size();
  const uint32_t wanted = size < kBlock ? (1U << size) - 1 : 0xFFFF;
  const __m128i spaces = _mm_set1_epi8(' ');
  for (size_t base = 0; base < size; base += StopsOfText::kInWord) {
    uint64_t stops = 0, card_bytes = 0;
    for (size_t at = base; at < std::min(base + StopsOfText::kInWord, size); at += kBlock) {
      // The last block begins before `at`, if it can.
      const size_t start = size < kBlock ? 0 : std::min(at, size - kBlock), shift = at - start;
      const __m128i here = size < kBlock ? load_short(text) : load(text.data() + start);
      const __m128i before = start >= 1 ? load(text.data() + start - 1) : _mm_alignr_epi8(here, spaces, kBlock - 1);
      const __m128i two_before =
          start >= 2 ? load(text.data() + start - 2) : _mm_alignr_epi8(before, spaces, kBlock - 1);
      const __m128i kinds =
          _mm_and_si128(sets_of(here, kinds_[kHere]),
                        _mm_and_si128(sets_of(before, kinds_[kBefore]), sets_of(two_before, kinds_[kTwoBefore])));
      const auto place = [&](uint32_t bits) { return uint64_t{(bits & wanted) >> shift} << (at - base); };
      stops |= place(bits_of(kinds));
      card_bytes |= place(bits_of(sets_of(here, card_bytes_)));
    }
    into.add(exact(text, base, stops), card_bytes);
  }
}
#endif

// Returns those that are stops by their whole bytes, and that may have a key.
uint64_t Stops::exact(View text, size_t base, uint64_t stops) const {
  uint64_t found = 0;
  for (uint64_t left = stops; left != 0; left &= left - 1) {
    const auto place = static_cast<size_t>(__builtin_ctzll(left));
    const size_t at = base + place;
    const bool is_separator = text[at] == ':' || text[at] == '=';
    if (is_separator ? !is_behind_number(text, at) : is_stop(text, at)) found |= uint64_t{1} << place;
  }
  return found;
}

}  // namespace lognotary
