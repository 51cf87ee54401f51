// Rules of redaction, as server/codec/redaction_rules.py has them, compiled for many keys.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "wire.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define LOGNOTARY_SSSE3
#include <tmmintrin.h>
#endif

namespace lognotary {

// The rules in the order of RULES in server/codec/redaction_rules.py.
enum RedactionRule : uint8_t {
  kAnthropicKeyRule, kAwsKeyRule, kAwsSecretRule, kBasicRule, kBearerRule, kCardRule, kDigitaloceanTokenRule,
  kDockerTokenRule, kGithubTokenRule, kGitlabTokenRule, kGoogleKeyRule, kHuggingfaceTokenRule, kJwtRule, kApiKeyRule,
  kAuthorizationRule, kCookieRule, kCredentialRule, kCustomRule, kPasswordRule, kPrivateKeyNameRule, kSecretRule,
  kTokenRule, kNpmTokenRule, kOpenaiKeyRule, kPrivateKeyRule, kPypiTokenRule, kSendgridKeyRule, kShopifyTokenRule,
  kSlackTokenRule, kStripeKeyRule, kUrlPasswordRule, kVaultTokenRule, kRedactionRules
};

enum class RedactionMode : uint8_t { kOff, kRemove, kHash, kDisclose };

// Consecutive words of a key that make it secret; server/codec/redaction_rules.py has the fields.
struct KeyWord {
  std::vector<std::string> words;
  RedactionRule rule;
  bool prose = false;
  bool counts = false;
  bool parts = false;
  bool paths = false;
  bool alone = false;
  bool parameter = false;
};

constexpr size_t kCharacters = 5;

enum class Characters : uint8_t { kLetters, kWord, kName, kCapitals, kDotted };

struct Prefix {
  std::string text;
  size_t stop = 0;  // index of the byte at which the scanner stops, not 0
  RedactionRule rule;
  Characters characters;
  size_t shortest = 0;
  size_t longest = 0;  // 0: any
  bool digit = false;
};

// Whether the scheme of an Authorization header is followed by parameters up to the end of the line.
struct Scheme {
  std::string name;
  bool parameters;
};

// The words of a key, in memory that is used again.
struct KeyWords {
  std::string lower;
  std::vector<View> words;

  // What was found for keys before: senders repeat them.
  struct Known {
    std::string key;
    const struct KeyWord* word = nullptr;
    bool is_set = false;
  };
  static constexpr size_t kRemembered = 256, kLongestRemembered = 48;
  std::vector<Known> known;

  void split(View key);  // as split_key in server/codec/redaction_keys.py
};

// The configuration of redaction. It is put together once, and then read by many encoders.
class Redaction {
 public:
  explicit Redaction(std::string key = {});

  void add_rule(std::string name, RedactionMode mode);  // in the order of RedactionRule
  void add_word(std::vector<std::string> words, int rule, bool prose, bool counts, bool parts, bool paths, bool alone,
                bool parameter);
  void add_not_secret(std::string word);
  void add_not_option(std::string word) { not_options_.push_back(std::move(word)); }
  void add_kept_words(std::vector<std::string> words) { kept_words_.push_back(std::move(words)); }
  void add_kept(std::string key) { kept_.push_back(std::move(key)); }  // in lower case
  void add_scheme(std::string name, bool parameters) { schemes_.push_back({std::move(name), parameters}); }
  void add_prefix(std::string text, size_t stop, int rule, int characters, size_t shortest, size_t longest,
                  bool digit);

  const std::string& key() const { return key_; }
  RedactionMode mode(RedactionRule rule) const { return modes_[rule]; }
  bool on(RedactionRule rule) const { return modes_[rule] != RedactionMode::kOff; }
  bool on() const { return on_; }                // whether any rule is
  bool discloses() const { return discloses_; }  // whether any rule does
  const std::string& name(RedactionRule rule) const { return names_[rule]; }
  const std::vector<Scheme>& schemes() const { return schemes_; }

  // Returns the first index from `at` on at which there can be a secret that is not the number of a card; the size of the
  // text if there is none.
  size_t next_stop(View text, size_t at) const {
    constexpr size_t kStep = 8;
#ifdef LOGNOTARY_SSSE3
    at = skip_blocks(text, at);
#endif
    unsigned before = bits_[at == 0 ? byte(' ') : byte(text[at - 1])];
    for (; at + kStep <= text.size(); at += kStep) {
      unsigned any = 0, last = before;
      for (size_t i = 0; i < kStep; ++i) {
        const unsigned bits = bits_[byte(text[at + i])];
        any |= last >> 8 & bits;
        last = bits;
      }
      if ((any & 0xFF) != 0) break;
      before = last;
    }
    for (; at < text.size(); ++at) {
      const unsigned bits = bits_[byte(text[at])];
      if ((before >> 8 & bits & 0xFF) != 0) return at;
      before = bits;
    }
    return at;
  }

  // Returns the prefixes that may have these two bytes up to their stop.
  const std::vector<Prefix>& prefixes(View up_to_stop) const { return prefixes_[bucket(up_to_stop)]; }

  // Keys whose values are never redacted have this word.
  static const KeyWord kKept;

  // Returns what makes a key secret, `kKept`, or null.
  const KeyWord* find(View key, KeyWords& scratch) const;

  // Returns what makes the argument behind an option secret, or null.
  const KeyWord* find_option(View name, KeyWords& scratch) const;

 private:
  const KeyWord* look_up(View key, KeyWords& scratch) const;
  static constexpr size_t kBuckets = 256;

  static size_t byte(char c) { return static_cast<unsigned char>(c); }
  static size_t bucket(View word) { return (byte(word[0]) * 31 + byte(word.back()) * 7 + word.size()) % kBuckets; }

  void may_be_before(char before, char stop);
#ifdef LOGNOTARY_SSSE3
  static constexpr size_t kBlock = 16;

  static void add_halves(uint8_t (&low)[kBlock], uint8_t (&high)[kBlock], char c, unsigned bits) {
    low[byte(c) & 15] = static_cast<uint8_t>(low[byte(c) & 15] | bits);
    high[byte(c) >> 4] = static_cast<uint8_t>(high[byte(c) >> 4] | bits);
  }

  // Skips blocks of 16 bytes without any stop.
  [[gnu::target("ssse3")]] size_t skip_blocks(View text, size_t at) const {
    if (!has_ssse3_ || at + kBlock > text.size()) return at;
    if (at == 0) at = bits_at(text, 0) != 0 ? 0 : 1;  // so that there is a byte before
    if (at == 0) return 0;
    const auto load = [](const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); };
    const __m128i low = load(stop_low_), high = load(stop_high_), low_before = load(before_low_),
                  high_before = load(before_high_), nibble = _mm_set1_epi8(15);
    for (; at + kBlock <= text.size(); at += kBlock) {
      const __m128i here = load(text.data() + at), before = load(text.data() + at - 1);
      const auto classes = [&](__m128i bytes, __m128i by_low, __m128i by_high) __attribute__((target("ssse3"))) {
        return _mm_and_si128(_mm_shuffle_epi8(by_low, _mm_and_si128(bytes, nibble)),
                             _mm_shuffle_epi8(by_high, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble)));
      };
      const __m128i found = _mm_and_si128(classes(here, low, high), classes(before, low_before, high_before));
      unsigned places = ~static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(found, _mm_setzero_si128()))) & 0xFFFF;
      for (; places != 0; places &= places - 1) {  // by halves of bytes, some are found that are none
        const size_t place = at + static_cast<size_t>(__builtin_ctz(places));
        if (bits_at(text, place) != 0) return place;
      }
    }
    return at;
  }

  // Returns the stops that a byte is with the byte before it.
  unsigned bits_at(View text, size_t at) const {
    return bits_[at == 0 ? byte(' ') : byte(text[at - 1])] >> 8 & bits_[byte(text[at])] & 0xFF;
  }
#endif
  const KeyWord* ending(const std::vector<View>& words, size_t count) const;
  bool is_not_secret(View word) const;
  bool keeps(const KeyWords& key) const;

  std::string key_;
  std::array<RedactionMode, kRedactionRules> modes_{};
  bool on_ = false, discloses_ = false;
  std::array<std::string, kRedactionRules> names_;
  size_t rules_ = 0;
  std::array<std::vector<KeyWord>, kBuckets> words_;  // by their last word
  std::array<std::vector<std::string>, kBuckets> not_secret_;
  std::vector<std::string> not_options_;
  std::vector<std::vector<std::string>> kept_words_;  // at the end of a key
  std::vector<std::string> kept_;
  std::vector<Scheme> schemes_;
  std::array<std::vector<Prefix>, kBuckets> prefixes_;
  // A byte is a stop if its low bits and the high bits of the byte before it have one in common: seldom, for each stop
  // costs a closer look.
  std::array<uint16_t, 256> bits_{};
#ifdef LOGNOTARY_SSSE3
  // The same by the halves of bytes: a byte has the bits that both of its halves have, and maybe more than it should.
  uint8_t stop_low_[kBlock] = {}, stop_high_[kBlock] = {}, before_low_[kBlock] = {}, before_high_[kBlock] = {};
  bool has_ssse3_ = false;
#endif
};

}  // namespace lognotary
