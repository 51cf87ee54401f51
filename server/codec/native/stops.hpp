// The bytes of texts at which a closer look for secrets is worth its time.
#pragma once

#include <array>
#include <vector>

#include "byte_sets.hpp"

#ifdef LOGNOTARY_READS_ON
#include <emmintrin.h>
#endif

namespace lognotary {

constexpr size_t kShortestCard = 13;

// The stops in a text: a bit for each byte, 64 in a word.
class StopsOfText {
 public:
  static constexpr size_t kInWord = 64;

  // Returns the first stop from `at` on; `size`, which is that of the text, if there is none.
  size_t next(size_t at, size_t size) const {
    size_t word = at / kInWord;
    if (word >= words_.size()) return size;
    uint64_t left = words_[word] & (~uint64_t{0} << at % kInWord);
    while (left == 0) {
      if (++word == words_.size()) return size;
      left = words_[word];
    }
    return word * kInWord + static_cast<size_t>(__builtin_ctzll(left));
  }

  bool any() const { return any_; }

  // Whether there are as many digits, spaces and hyphens in a row as the number of a card has.
  bool may_have_card() const { return may_have_card_; }

 private:
  friend class Stops;

  void clear() {
    words_.clear();
    any_ = may_have_card_ = false;
    card_bytes_ = 0;
  }

  // Adds the bits of the bytes of a word: of stops, and of what can be in the number of a card.
  void add(uint64_t stops, uint64_t card_bytes) {
    words_.push_back(stops);
    any_ = any_ || stops != 0;
    const bool all = card_bytes == ~uint64_t{0};
    const size_t first = all ? kInWord : static_cast<size_t>(__builtin_ctzll(~card_bytes));
    may_have_card_ = may_have_card_ || card_bytes_ + first >= kShortestCard;
    card_bytes_ = all ? card_bytes_ + kInWord : static_cast<size_t>(__builtin_clzll(~card_bytes));
    uint64_t runs = card_bytes & card_bytes >> 1;  // of two, then of four, then of eight
    runs &= runs >> 2;
    runs &= runs >> 4;
    static_assert(kShortestCard > 8 && kShortestCard <= 16);
    may_have_card_ = may_have_card_ || (runs & runs >> (kShortestCard - 8)) != 0;
  }

  std::vector<uint64_t> words_;
  bool any_ = false, may_have_card_ = false;
  size_t card_bytes_ = 0;  // at the end of what was added
};

// A stop is known by its byte and the two bytes before it, each of which must be one of its kind. So there are few of them
// in most texts.
class Stops {
 public:
  // Kinds of stops: before values, in names of schemes, in statements, before options, and in prefixes of tokens, by
  // their byte.
  enum Kind : uint8_t { kSeparator, kScheme, kQuote, kOption, kLetter, kHyphen, kUnderscore, kDot };

  Stops();

  void add(Kind kind, char stop) { add(kHere, kind, stop); }
  void add_before(Kind kind, char byte) { add(kBefore, kind, byte); }
  void add_two_before(Kind kind, char byte) { add(kTwoBefore, kind, byte); }
  void add_any_two_before(Kind kind);

  void find(View text, StopsOfText& into) const;

  // Tells whether a text of less than 16 bytes may have a stop that is in no prefix of a token.
  static bool may_be_in_short([[maybe_unused]] View text) {
#ifdef LOGNOTARY_READS_ON
    if (!can_read_on(text.data())) return true;
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data()));
    const auto are = [&](char byte) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)); };
    const __m128i found = _mm_or_si128(_mm_or_si128(_mm_or_si128(are('='), are(':')), _mm_or_si128(are('\''), are('J'))),
                                       _mm_or_si128(_mm_or_si128(are('B'), are('b')), are('\\')));
    const auto hyphens = static_cast<uint32_t>(_mm_movemask_epi8(are('-')));
    const uint32_t places = static_cast<uint32_t>(_mm_movemask_epi8(found)) | (hyphens & hyphens << 1);
    return (places & ((1U << text.size()) - 1)) != 0;
#else
    return true;
#endif
  }

 private:
  enum Place : uint8_t { kHere, kBefore, kTwoBefore, kPlaces };

  void add(Place place, Kind kind, char byte) { kinds_[place].add(byte, static_cast<uint8_t>(1U << kind)); }
  bool is_stop(View text, size_t at) const {
    const char before = at >= 1 ? text[at - 1] : ' ', two_before = at >= 2 ? text[at - 2] : ' ';
    return (kinds_[kHere].of(text[at]) & kinds_[kBefore].of(before) & kinds_[kTwoBefore].of(two_before)) != 0;
  }
  void find_in_blocks(View text, StopsOfText& into) const;
  uint64_t exact(View text, size_t base, uint64_t stops) const;

  std::array<ByteSets, kPlaces> kinds_;
  ByteSets card_bytes_;
};

}  // namespace lognotary
