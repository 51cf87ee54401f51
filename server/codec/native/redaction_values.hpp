// What values of secret keys look like, and which of them are no secrets, as server/codec/redaction_text.py has it.
#pragma once

#include "redaction_ends.hpp"

namespace lognotary {

// What makes a password secret that has no key.
inline const KeyWord kPasswordOfUser{{"password"}, kPasswordRule, true};

inline bool is_plain_word(View value) {
  constexpr size_t kLongest = 15;
  const size_t end = end_of_run(value, 0, kLetter);
  if (end == 0 || end > kLongest) return false;
  if (end == value.size() || (end + 1 == value.size() && contains(".!?", value[end]))) return true;
  if (value[end] != '(') return false;  // renewed(12)
  constexpr size_t kMostDigits = 9;
  size_t digits = end_of_run(value, end + 1, kDigit);
  if (digits - end - 1 > kMostDigits) return false;
  if (has_byte(value, digits, ')')) ++digits;
  return digits == value.size();
}

inline bool is_number(View value) {
  const size_t start = has_byte(value, 0, '-') ? 1 : 0;
  size_t end = end_of_run(value, start, kDigit);
  if (end == start) return false;
  if (!has_byte(value, end, '.')) return end == value.size();
  const size_t decimals = end + 1;
  end = end_of_run(value, decimals, kDigit);
  return end > decimals && end == value.size();
}

inline bool is_nothing(View value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return c == '*' || c == '?' || c == '='; })) return true;
  for (const View word : {"true", "false", "null", "none", "nil", "[]", "{}"}) {
    if (value.size() == word.size() && has_lower_at(value, 0, word)) return true;
  }
  constexpr View kParameter = "%%", kHmac = "hmac-sha256:";  // of a message of Windows; as Vault writes secrets
  constexpr size_t kHmacDigits = 64;
  if (has_at(value, 0, kParameter)) {
    return value.size() > kParameter.size() && end_of_run(value, kParameter.size(), kDigit) == value.size();
  }
  return value.size() == kHmac.size() + kHmacDigits && has_lower_at(value, 0, kHmac) &&
         end_of_run(value, kHmac.size(), kDigit | kHexLetter) == value.size();
}

// Tells whether a value says how many tests passed, or whether they did.
inline bool is_verdict(View value) {
  for (const View word : {"ok", "yes", "no", "on", "off", "pass", "passed", "fail", "failed", "skip", "skipped"}) {
    if (value.size() == word.size() && has_lower_at(value, 0, word)) return true;
  }
  size_t end = end_of_run(value, 0, kDigit);
  if (end == 0) return false;
  if ((has_byte(value, end, '.') || has_byte(value, end, '/')) && is_at(value, end + 1, kDigit)) {
    end = end_of_run(value, end + 1, kDigit);
  }
  if (has_byte(value, end, '%')) ++end;
  return end == value.size();
}

// Tells whether a value may be the signature in a URL.
inline bool is_signature(View value) {
  constexpr size_t kShortest = 40, kLongest = 1024;
  return value.size() >= kShortest && value.size() <= kLongest && std::all_of(value.begin(), value.end(), [](char c) {
    return is(c, kNameByte | kBase64Mark) || c == '=' || c == '%';
  });
}

// Tells whether a key that starts at an index is that of a parameter of a URL.
inline bool is_parameter(View text, size_t start) {
  constexpr View kEscapedAmpersand = "u0026";
  if (start >= 1 && contains("?&;", text[start - 1])) return true;
  return start >= kEscapedAmpersand.size() && has_at(text, start - kEscapedAmpersand.size(), kEscapedAmpersand);
}

// Returns the end of what is escaped behind a backslash.
inline size_t end_of_escape(View key) {
  constexpr View kAmpersand = "u0026";
  if (has_at(key, 0, kAmpersand)) return kAmpersand.size();
  return !key.empty() && contains("bfnrt", key[0]) ? 1 : 0;
}

// Tells whether an option's value at an index is none: another option, a variable or a placeholder.
inline bool is_no_argument(View text, size_t at) {
  if (at < text.size() && contains("-<[({$|>&;:.,%)]}", text[at])) return true;
  at += count_backslashes(text, at);
  if (!has_byte(text, at, '"') && !has_byte(text, at, '\'')) return false;
  return at + 1 < text.size() && contains("-<${", text[at + 1]);
}

// Tells whether a value says what became of a secret.
inline bool is_state(View value) {
  for (const View state : {"allowed", "denied", "expired", "forbidden", "granted", "incorrect", "invalid", "missing",
                           "optional", "rejected", "required", "revoked", "unauthorized"}) {
    if (value == state) return true;
  }
  return false;
}

// Tells whether a value is one or two signs.
inline bool is_punctuation(View value) {
  return !value.empty() && value.size() <= 2 && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7F && !is(c, kLetter | kDigit);
  });
}

// Tells whether a sentence goes on with words about a secret.
inline bool is_about(View text, size_t at) {
  if (at >= text.size() || !contains("mcnit", text[at])) return false;
  for (const View words :
       {"must be", "must contain", "must have", "must include", "must match", "must not", "cannot be", "command not found",
        "not found", "is invalid", "is missing", "is required", "is too", "too long", "too short", "too weak"}) {
    if (has_at(text, at, words) && !is_at(text, at + words.size(), kWordByte)) return true;
  }
  return false;
}

inline bool is_absolute_path(View value) {
  if (has_byte(value, 0, '/') || has_byte(value, 0, '~')) return true;
  return is_at(value, 0, kLetter) && has_byte(value, 1, ':') && (has_byte(value, 2, '/') || has_byte(value, 2, '\\'));
}

// Tells whether brackets begin an object, or a list of objects.
inline bool has_parts(View text, size_t at) {
  if (has_byte(text, at, '[')) ++at;
  return has_byte(text, end_of_blanks(text, at), '{');
}

inline bool is_cookie(View text, size_t at) {
  const size_t start = at;
  constexpr size_t kLongestName = 64;
  while (at - start < kLongestName && at < text.size() && !is(text[at], kSpaceByte | kQuoteByte) &&
         !contains(",;:=", text[at])) {
    ++at;
  }
  return at > start && has_byte(text, at, '=');
}

// Returns where a value starts that is in quotes or brackets, and maybe on the next line; npos if it is neither.
inline size_t end_of_next_line(View text, size_t at) {
  const size_t start = at;
  while (at - start < kMostBlanks && at < text.size() && contains(" \t\r\n", text[at])) ++at;
  const bool begins = is_at(text, at + count_backslashes(text, at), kQuoteByte) || has_byte(text, at, '[') || has_byte(text, at, '{');
  return begins ? at : View::npos;
}

// Returns the end of the kept text in quotes behind a colon, the index behind the colon if there is none.
inline size_t end_of_kept(View text, size_t start) {
  const size_t opening = end_of_next_line(text, start);
  if (opening == View::npos) return start;
  const size_t escapes = count_backslashes(text, opening);
  if (!is_at(text, opening + escapes, kQuoteByte)) return start;
  const Quoted value = quoted(text, opening, escapes);
  return value.behind != 0 ? value.end : start;
}

// Returns where \u003d starts that ends at an index, with all of its backslashes; npos if there is none.
inline size_t start_of_escaped_equals(View text, size_t at, size_t low) {
  constexpr View kCode = "u003";
  if (at < low + kCode.size() + 1 || !has_at(text, at - kCode.size(), kCode)) return View::npos;
  const size_t code = at - kCode.size();
  size_t start = code;
  while (start > low && code - start < kMostBackslashes && text[start - 1] == '\\') --start;
  return start < code ? start : View::npos;
}

// Returns the end of the slashes behind the scheme of a URL, which may be escaped; 0 if there are none.
inline size_t end_of_slashes(View text, size_t colon) {
  size_t at = colon + 1;
  for (int i = 0; i < 2; ++i, ++at) {
    at += count_backslashes(text, at);
    if (!has_byte(text, at, '/')) return 0;
  }
  return at;
}

inline bool in_authority(char c) { return !is(c, kSpaceByte | kQuoteByte) && !contains("<>|^{}\\/?#", c); }

inline bool behind_authority(char c) { return !is(c, kSpaceByte | kQuoteByte) && !contains("<>|^{}\\@", c); }

}  // namespace lognotary
