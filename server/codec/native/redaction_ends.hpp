// Where values in texts end, as server/codec/redaction_text.py has it.
#pragma once

#include "redaction_forms.hpp"

namespace lognotary {

constexpr size_t kLongestKey = 64, kMostBlanks = 64, kMostBackslashes = 7;

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

// A key before a separator.
struct Key {
  View key;
  View quote;           // its closing quote
  bool spaced = false;  // whether there is a space before the separator
  size_t start = 0;
  bool in_other_script = false;  // whether it has letters of another script
};

inline size_t start_of_key(View text, size_t end, size_t low, bool quoted, bool& in_other_script) {
  size_t start = end;
  while (start > low && end - start < kLongestKey &&
         (is(text[start - 1], kKeyByte | kOtherScript) ||
          (quoted && (text[start - 1] == '/' || text[start - 1] == ' ')))) {
    --start;
    in_other_script = in_other_script || is(text[start], kOtherScript);
  }
  return start;
}

inline Key key_before(View text, size_t at, size_t low) {
  size_t end = at;
  while (end > low && at - end < kMostBlanks && is(text[end - 1], kBlankByte)) --end;
  Key found;
  found.spaced = end < at;
  if (end > low && is(text[end - 1], kQuoteByte)) {
    const size_t quoted = end--;
    while (end > low && quoted - end <= kMostBackslashes && text[end - 1] == '\\') --end;
    found.quote = text.substr(end, quoted - end);
  }
  const bool in_quotes = !found.quote.empty();
  size_t start = start_of_key(text, end, low, in_quotes, found.in_other_script);
  const View key = text.substr(start, end - start);
  if (!in_quotes && (key.size() == 3 || key.size() == 4) &&
      has_lower_at(key, 0, "key") && (key.size() == 3 || lower_of(key[3]) == 's')) {  // "secret access key: …"
    for (int i = 0; i < 2 && start > low && text[start - 1] == ' '; ++i) {
      start = start_of_key(text, start - 1, low, false, found.in_other_script);
    }
  }
  found.key = text.substr(start, end - start);
  found.start = start;
  return found;
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
    if (c == '\\' && at + 1 < text.size() && (contains("bfnrt\"'", text[at + 1]) || has_at(text, at + 1, "u0026"))) {
      return at;
    }
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

// A text in quotes; `behind` is the index behind its closing quote, 0 if there is none.
struct Quoted {
  size_t start;
  size_t end;
  size_t behind;
};

// Returns the text behind an opening quote, which is behind backslashes at an index.
inline Quoted quoted(View text, size_t at, size_t escapes) {
  const char quote = text[at + escapes];
  const size_t start = at + escapes + 1;
  if (escapes == 0 && has_byte(text, start, quote) && has_byte(text, start + 1, quote)) {  // three quotes, as in Python
    const char three[] = {quote, quote, quote};
    const size_t end = text.find(View(three, sizeof three), start + 2);
    if (end != View::npos) return {start + 2, end, end + sizeof three};
    if (!is_after_closing(text, start + 2)) return {start + 2, text.size(), 0};
  }
  const size_t end = end_of_quoted(text, start, escapes, quote);
  return {start, end, text.find(quote, end) + 1};
}

inline bool is_more_of_word(View text, size_t at, bool shell) {
  return at < text.size() && (is(text[at], kWordByte | (shell ? kQuoteByte : 0)) || static_cast<unsigned char>(text[at]) >= 0x80);
}

// Returns the end of the word that goes on behind a quoted text, which ends at an index; it may end there.
inline size_t end_behind_quote(View text, size_t at, char quote, bool key_quoted) {
  while (is_more_of_word(text, at, !key_quoted)) {
    const size_t last = end_of_word(text, at);
    if (last == at) return at;
    if (key_quoted || text[at] != quote) return last;
    const size_t next = text.find(quote, at + 1);
    at = next == View::npos ? text.size() : next + 1;
  }
  return at;
}

// Returns the end of the word that goes on behind brackets or a mark, which end at an index; it may end there.
inline size_t end_behind_brackets(View text, size_t at, bool key_quoted) {
  constexpr size_t kMostPunctuation = 3;
  if (key_quoted && !is_more_of_word(text, at, false)) return at;
  size_t end = at;
  while (end - at < kMostPunctuation && end < text.size() && contains(".:!?", text[end])) ++end;
  const bool ends = end >= text.size() || is(text[end], kSpaceByte | kQuoteByte) || contains("\\)]}>", text[end]);
  return end > at && ends ? at : end_of_word(text, at);
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
