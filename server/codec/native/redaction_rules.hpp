// Rules of redaction, as server/codec/redaction_rules.py has them, compiled for many keys.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "wire.hpp"

namespace lognotary {

// The rules in the order of RULES in server/codec/redaction_rules.py.
enum RedactionRule : uint8_t {
  kAwsKeyRule, kAwsSecretRule, kBasicRule, kBearerRule, kCardRule, kGithubTokenRule, kGitlabTokenRule, kGoogleKeyRule,
  kJwtRule, kApiKeyRule, kAuthorizationRule, kCookieRule, kCredentialRule, kCustomRule, kPasswordRule,
  kPrivateKeyNameRule, kSecretRule, kTokenRule, kPrivateKeyRule, kSlackTokenRule, kStripeKeyRule, kUrlPasswordRule,
  kRedactionRules
};

enum class RedactionMode : uint8_t { kOff, kRemove, kHash };

// Consecutive words of a key that make it secret; server/codec/redaction_rules.py has the fields.
struct KeyWord {
  std::vector<std::string> words;
  RedactionRule rule;
  bool prose = false;
  bool counts = false;
};

enum class Characters : uint8_t { kLetters, kWord, kName, kCapitals };

struct Prefix {
  std::string text;
  size_t stop = 0;  // index of the byte at which the scanner stops
  RedactionRule rule;
  Characters characters;
  size_t shortest = 0;
  size_t longest = 0;  // 0: any
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

  void split(View key);  // as split_key in server/codec/redaction_keys.py
};

// The configuration of redaction. It is put together once, and then read by many encoders.
class Redaction {
 public:
  explicit Redaction(RedactionMode mode = RedactionMode::kOff, std::string key = {});

  void add_rule(std::string name, bool on);  // in the order of RedactionRule
  void add_word(std::vector<std::string> words, int rule, bool prose, bool counts);
  void add_not_secret(std::string word);
  void add_kept(std::string key) { kept_.push_back(std::move(key)); }  // in lower case
  void add_scheme(std::string name, bool parameters) { schemes_.push_back({std::move(name), parameters}); }
  void add_prefix(std::string text, size_t stop, int rule, int characters, size_t shortest, size_t longest);

  RedactionMode mode() const { return mode_; }
  const std::string& key() const { return key_; }
  bool on(RedactionRule rule) const { return on_[rule]; }
  const std::string& name(RedactionRule rule) const { return names_[rule]; }
  const std::vector<Scheme>& schemes() const { return schemes_; }

  // Returns the first index from `at` on at which there can be a secret that is not the number of a card; the size of the
  // text if there is none.
  size_t next_stop(View text, size_t at) const {
    if (at == 0) {
      if (!text.empty() && is_stop(byte(' '), byte(text[0]))) return 0;
      at = 1;
    }
    constexpr size_t kStep = 4;
    for (; at + kStep <= text.size(); at += kStep) {
      const char* const to = text.data() + at;
      unsigned any = 0;
      for (size_t i = 0; i < kStep; ++i) any |= before_[byte(*(to + i - 1))] & stop_[byte(to[i])];
      if (any != 0) break;
    }
    while (at < text.size() && !is_stop(byte(text[at - 1]), byte(text[at]))) ++at;
    return at;
  }

  // Returns the prefixes whose byte at their stop is `stop`.
  const std::vector<Prefix>& prefixes(char stop) const { return prefixes_[byte(stop) & 31]; }

  // A key whose values are never redacted has this word.
  static const KeyWord kKept;

  // Returns what makes a key secret, `kKept`, or null.
  const KeyWord* find(View key, KeyWords& scratch) const;

 private:
  static constexpr size_t kBuckets = 256;

  static size_t byte(char c) { return static_cast<unsigned char>(c); }
  static size_t bucket(View word) { return (byte(word[0]) * 31 + word.size()) % kBuckets; }

  bool is_stop(size_t before, size_t stop) const { return (before_[before] & stop_[stop]) != 0; }
  const KeyWord* ending(const std::vector<View>& words, size_t count) const;
  bool is_not_secret(View word) const;

  RedactionMode mode_ = RedactionMode::kOff;
  std::string key_;
  std::array<bool, kRedactionRules> on_{};
  std::array<std::string, kRedactionRules> names_;
  size_t rules_ = 0;
  std::array<std::vector<KeyWord>, kBuckets> words_;  // by their last word
  std::array<std::vector<std::string>, kBuckets> not_secret_;
  std::vector<std::string> kept_;
  std::vector<Scheme> schemes_;
  std::array<std::vector<Prefix>, 32> prefixes_;  // by the low bits of the stop, which differ
  // A byte is a stop if it and the byte before it have a bit in common: seldom, for each such place costs a closer look.
  std::array<uint8_t, 256> before_{}, stop_{};
};

}  // namespace lognotary
