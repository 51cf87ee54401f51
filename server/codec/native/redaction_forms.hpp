// Secrets in texts that are recognized by their form, as server/codec/redaction_forms.py finds them.
#pragma once

#include <algorithm>

#include "redaction_ahead.hpp"

namespace lognotary {

// Classes of bytes. The names are those of the patterns in server/codec/redaction_forms.py and redaction_text.py.
enum ByteClass : uint16_t {
  kDigit = 1, kLetter = 2, kUnderscore = 4, kHyphen = 8, kDot = 16, kBase64Mark = 32, kCredentialMark = 64,
  kBlankByte = 128, kSpaceByte = 256, kQuoteByte = 512, kKeyMark = 1024, kHexLetter = 2048, kStop = 4096, kOtherScript = 8192,
  kNotInUser = 16384,
  kWordByte = kDigit | kLetter | kUnderscore,
  kNameByte = kWordByte | kHyphen,
  kKeyByte = kWordByte | kHyphen | kDot | kKeyMark,
  kCredentialByte = kNameByte | kDot | kBase64Mark | kCredentialMark,
};

struct ByteClasses {
  uint16_t of[256];

  constexpr ByteClasses() : of() {
    for (int c = '0'; c <= '9'; ++c) of[c] = kDigit | kStop;
    for (int c = 'a'; c <= 'z'; ++c) of[c] = kLetter | (c <= 'f' ? kHexLetter : 0);
    for (int c = 'A'; c <= 'Z'; ++c) of[c] = kLetter | (c <= 'F' ? kHexLetter : 0);
    of['_'] = kUnderscore;
    of['-'] = kHyphen;
    of['.'] = kDot;
    of['+'] = of['/'] = kBase64Mark;
    of['~'] = of['='] = kCredentialMark;
    of[' '] = kBlankByte | kSpaceByte;
    of['\t'] = kBlankByte | kSpaceByte;
    of['\n'] = of['\r'] = of['\v'] = of['\f'] = kSpaceByte;
    of['"'] = of['\''] = of['`'] = kQuoteByte;
    of['['] = of[']'] = of['%'] = kKeyMark;
    for (const char c : {' ', '\t', '\n', '\r', '\v', '\f', '=', '"', '\'', ',', ':'}) of[static_cast<int>(c)] |= kNotInUser;
    for (int c = 0x80; c <= 0xFF; ++c) of[c] = kOtherScript;
    for (const char c : {'=', ':', '_', '-', '.', 'J', 'I', 'z', 'B', 'b', '\'', '"', 'd', 'D', 'y', 'Y'}) of[static_cast<int>(c)] |= kStop;
  }
};
constexpr ByteClasses kBytes;

inline bool is(char c, int classes) { return (kBytes.of[static_cast<unsigned char>(c)] & classes) != 0; }

// Tells whether a byte may stand before a token, or end an escape that does.
inline bool may_precede_token(char c) {
  return !is(c, kWordByte) || is(c, kDigit | kHexLetter) || c == 'n' || c == 'r' || c == 't';
}

inline bool is_at(View text, size_t at, int classes) { return at < text.size() && is(text[at], classes); }

inline bool has_at(View text, size_t at, View expected) {
  return at <= text.size() && text.substr(at, expected.size()) == expected;
}

inline bool has_byte(View text, size_t at, char expected) { return at < text.size() && text[at] == expected; }

inline char lower_of(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline bool has_lower_at(View text, size_t at, View lower) {
  if (at > text.size() || text.size() - at < lower.size()) return false;
  return std::equal(lower.begin(), lower.end(), text.begin() + static_cast<ptrdiff_t>(at),
                    [](char expected, char c) { return expected == lower_of(c); });
}

inline bool is_percent_encoded(View text, size_t at) {
  return has_byte(text, at, '%') && is_at(text, at + 1, kDigit | kHexLetter) && is_at(text, at + 2, kDigit | kHexLetter);
}

// Returns the end of a run of bytes of these classes.
inline size_t end_of_run(View text, size_t at, int classes) {
  while (is_at(text, at, classes)) ++at;
  return at;
}

// A secret in a text.
struct Found {
  size_t start;
  size_t end;
  RedactionRule rule;
  View quote;  // is put around the mark
};

// Each returns whether it has found something, and fills `found`. `low` is the end of what is replaced already.
bool find_prefixed(View text, size_t at, size_t low, const Redaction& redaction, Ahead& ahead, Found& found);
bool find_aws_secret(View text, size_t at, Found& found);
bool find_jwt(View text, size_t at, size_t low, Ahead& ahead, Found& found);
bool find_scheme(View text, size_t at, const Redaction& redaction, Ahead& ahead, Found& found);
bool find_private_key(View text, size_t at, size_t low, Ahead& ahead, Found& found);
bool find_card(View text, size_t at, size_t& end_of_digits, Found& found);

}  // namespace lognotary
