// Secrets in command lines, statements of SQL, and lists of names and values, as server/codec/redaction_commands.py
// finds them.
#pragma once

#include "redaction_ends.hpp"

namespace lognotary {

// An option of a command, and where its value starts.
struct Option {
  View name;
  size_t value = 0;
};

// Returns the option whose second hyphen is at an index; its name is empty if there is none with a value.
inline Option find_option(View text, size_t at, size_t low) {
  constexpr size_t kLongestName = 63, kMostGap = 2;
  if (at < low + 1 || text[at - 1] != '-' || (at >= 2 && !contains(" \t\r\n\"'", text[at - 2]))) return {};
  const size_t start = at + 1;
  if (!is_at(text, start, kLetter)) return {};
  size_t end = start;
  while (end - start < kLongestName && is_at(text, end, kNameByte | kDot)) ++end;
  const View name = text.substr(start, end - start);
  if (const size_t value = end_of_blanks(text, end); value > end) return {name, value};
  const size_t quote = end + count_backslashes(text, end);
  if (!has_byte(text, quote, '"') && !has_byte(text, quote, '\'')) return {};
  const View closing = text.substr(end, quote + 1 - end);
  size_t value = quote + 1;
  for (size_t i = 0; i < kMostGap && is_at(text, value, kBlankByte); ++i) ++value;
  if (!has_byte(text, value, ',')) return {};
  ++value;
  for (size_t i = 0; i < kMostGap && is_at(text, value, kBlankByte); ++i) ++value;
  return has_at(text, value, closing) ? Option{name, value} : Option{};
}

constexpr size_t kLongestUserGap = 6;

// Tells whether the name that starts at an index is the user in `curl -u user:password`.
inline bool is_user_of_curl(View text, size_t start) {
  constexpr size_t kWindow = 256;
  size_t at = start;
  while (at > 0 && start - at < kLongestUserGap && contains(" =\"',\\", text[at - 1])) --at;
  if (at == start) return false;
  const View before = text.substr(at - std::min(at, kWindow), std::min(at, kWindow));
  for (const View option : {"-u", "-U", "--user", "--proxy-user"}) {
    if (before.size() <= option.size() || before.substr(before.size() - option.size()) != option) continue;
    const size_t gap = before.size() - option.size() - 1;
    if (!is(before[gap], kSpaceByte) && before[gap] != '"' && before[gap] != '\'') continue;
    if (before.substr(0, gap).find("curl") != View::npos) return true;
  }
  return false;
}

// Returns the end of the password of a user whose name starts at an index.
inline size_t end_of_password(View text, size_t start, size_t user) {
  const char quote = user > 0 ? text[user - 1] : ' ';
  if (quote != '"' && quote != '\'') return end_of_word(text, start);
  size_t escapes = user - 1;
  while (escapes > 0 && user - 1 - escapes < kLongestUserGap && text[escapes - 1] == '\\') --escapes;
  return end_of_quoted(text, start, user - 1 - escapes, quote);
}

// Tells whether what is before a quote says that a password follows, as in `ALTER USER bob PASSWORD 'x'`.
inline bool precedes_password(View text, size_t at, size_t low) {
  constexpr View kPassword = "password ", kBy = "by ", kIdentified = "identified ", kWith = "identified with ";
  constexpr size_t kLongestPlugin = 64;
  const auto has_before = [&](size_t end, View lower) {
    return end >= low + lower.size() && has_lower_at(text, end - lower.size(), lower);
  };
  if (has_before(at, kPassword)) {
    const size_t start = at - kPassword.size();
    if (start == low || !is(text[start - 1], kWordByte)) return true;
  }
  if (!has_before(at, kBy)) return false;
  size_t end = at - kBy.size();
  if (has_before(end, kIdentified)) return true;
  if (end <= low || text[end - 1] != ' ') return false;
  const size_t plugin = --end;
  while (end > low && plugin - end < kLongestPlugin && is(text[end - 1], kWordByte)) --end;
  return end < plugin && has_before(end, kWith);
}

// Returns the name before a member "value" that begins at an index: {"name":"PASSWORD","value":"x"}.
inline View name_before(View text, size_t at, size_t low) {
  constexpr size_t kMostSpaces = 32;
  const size_t spaces = at;
  while (at > low && spaces - at < kMostSpaces && contains(" \t\r\n", text[at - 1])) --at;
  if (at <= low || text[at - 1] != ',') return {};
  const Key name = key_before(text, at - 1, low);
  if (name.quote.empty() || name.start < low + name.quote.size()) return {};
  size_t start = name.start - name.quote.size();
  if (!has_at(text, start, name.quote)) return {};
  const size_t blanks = start;
  while (start > low && blanks - start < kMostBlanks && is(text[start - 1], kBlankByte)) --start;
  if (start <= low || text[start - 1] != ':') return {};
  const Key key = key_before(text, start - 1, low);
  const bool names = (key.key.size() == 4 && has_lower_at(key.key, 0, "name")) ||
                     (key.key.size() == 3 && has_lower_at(key.key, 0, "key"));
  return names && !key.quote.empty() ? name.key : View();
}

}  // namespace lognotary
