// Rules of redaction, as server/codec/redaction_rules.py has them, compiled for many keys.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "stops.hpp"

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
  size_t stop = 0;  // index of the byte at which the scanner stops, at least 2
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
  bool of_header;  // whether it is one only in a header
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
  void add_scheme(std::string name, bool parameters, bool of_header) {
    schemes_.push_back({std::move(name), parameters, of_header});
  }
  void add_prefix(std::string text, size_t stop, int rule, int characters, size_t shortest, size_t longest,
                  bool digit);

  const std::string& key() const { return key_; }
  RedactionMode mode(RedactionRule rule) const { return modes_[rule]; }
  bool on(RedactionRule rule) const { return modes_[rule] != RedactionMode::kOff; }
  bool on() const { return on_; }                // whether any rule is
  bool discloses() const { return discloses_; }  // whether any rule does
  const std::string& name(RedactionRule rule) const { return names_[rule]; }
  const std::vector<Scheme>& schemes() const { return schemes_; }

  // Finds the places at which there can be a secret that is not the number of a card. Returns false if there is no
  // secret, which a quicker look shows for most short texts.
  bool find_stops(View text, StopsOfText& into) const {
    if (text.size() < short_ && !Stops::may_be_in_short(text)) return false;
    stops_.find(text, into);
    return into.any() || into.may_have_card();
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

  void add_stop_of_token(View up_to_stop);
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
  Stops stops_;
  size_t short_ = kShortestCard;  // shorter texts have no tokens with a prefix, and no numbers of cards
};

}  // namespace lognotary
