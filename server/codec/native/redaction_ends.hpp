// Where values in texts end, as server/codec/redaction_text.py has it.
#pragma once

#include "redaction_forms.hpp"

namespace lognotary {

constexpr size_t kLongestKey = 64, kMostBlanks = 8, kMostBackslashes = 7;

inline bool contains(View set, char c) { return set.find(c) != View::npos; }

inline bool is_space_at(View text, size_t at) { return is_at(text, at, kSpaceByte); }

inline size_t count_backslashes(View text, size_t at) {
  size_t count = 0;
  while (count < kMostBackslashes && has_byte(text, at + count, '\\')) ++count;
  return count;
}

inline size_t end_of_blanks(View text, size_t at) {
  const size_t start = at;
  while (at - start < kMostBlanks && is_at(text, at, kBlankByte)) ++at;
  return at;
}

inline bool is_after_closing(View text, size_t at) {
  return at >= text.size() || is(text[at], kSpaceByte) || contains(",;:.)]}>|&\"'`\\", text[at]);
}

inline bool is_after_comma(View text, size_t at) {
  if (at >= text.size() || is(text[at], kSpaceByte | kQuoteByte) || text[at] == '\\') return true;
  size_t end = at;
  while (end - at < kLongestKey && is_at(text, end, kKeyByte)) ++end;
  return end > at && (has_byte(text, end, '=') || has_byte(text, end, ':'));
}

inline bool closes(View text, size_t at) {
  if (contains(",;&|", text[at])) return is_after_comma(text, at + 1);
  return is_after_closing(text, at + 1);
}

inline size_t end_of_word(View text, size_t at) {
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (is(c, kSpaceByte)) return at;
    if (c == '\\' && at + 1 < text.size() && contains("bfnrt\"'", text[at + 1])) return at;
    if ((is(c, kQuoteByte) || contains(",;&|)]}>", c)) && closes(text, at)) return at;
  }
  return text.size();
}

// `cookies` end at a quote, too, if no cookie follows.
inline size_t end_of_line(View text, size_t at, bool cookies) {
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\r' || c == '\n') return at;
    if (c == '\\' && at + 1 < text.size() && contains("nr", text[at + 1])) return at;
    const size_t quote = c == '\\' ? at + 1 : at;
    if (!cookies || !is_at(text, quote, kQuoteByte)) continue;
    if (quote + 1 >= text.size() || is(text[quote + 1], kSpaceByte) || contains(",)]}>\\", text[quote + 1])) return at;
  }
  return text.size();
}

// Returns the end of a quoted text: before a quote with at most as many backslashes as the opening one has.
inline size_t end_of_quoted(View text, size_t at, size_t escapes, char quote) {
  for (size_t found = text.find(quote, at); found != View::npos; found = text.find(quote, at)) {
    size_t backslash = found;
    while (backslash > at && text[backslash - 1] == '\\') --backslash;
    const size_t count = found - backslash;
    if (escapes == 0 && count % 2 == 0) return found;
    if (escapes > 0 && count <= escapes) return backslash;
    at = found + 1;
  }
  return text.size();
}

// Returns the end of an object or array; brackets in strings do not count.
inline size_t end_of_brackets(View text, size_t at) {
  size_t depth = 0;
  while ((at = text.find_first_of("{}[]\"", at)) != View::npos) {
    const char c = text[at++];
    if (c == '"') {
      size_t backslash = at - 1;
      while (at - 1 - backslash < kMostBackslashes && backslash > 0 && text[backslash - 1] == '\\') --backslash;
      const size_t closing = text.find('"', end_of_quoted(text, at, at - 1 - backslash, '"'));
      if (closing == View::npos) return text.size();
      at = closing + 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (--depth == 0) {
      return at;
    }
  }
  return text.size();
}

// Tells whether the quote behind a separator closes the text in which the key is, as in JSON.
inline bool closes_text(View text, size_t at) {
  constexpr size_t kMostClosing = 8;
  at += count_backslashes(text, at) + 1;
  if (at >= text.size()) return true;
  if (text[at] == ',') {
    at += is_space_at(text, at + 1) ? 2 : 1;
    return is_at(text, at + count_backslashes(text, at), kQuoteByte);
  }
  const size_t start = at;
  while (at - start < kMostClosing && at < text.size() && contains("}])", text[at])) ++at;
  return at > start && (at >= text.size() || is_space_at(text, at) || text[at] == ',');
}

}  // namespace lognotary
