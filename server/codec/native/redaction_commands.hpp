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
  constexpr size_t kMostBlanksBehind = 8;  // more are in lists of options with their meaning
  size_t behind = end;
  while (behind - end < kMostBlanksBehind && is_at(text, behind, kBlankByte)) ++behind;
  if (behind > end) return {name, behind};
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

// Returns the index before the option -u, or one with the same meaning, that ends at an index; npos if there is none.
inline size_t before_user_option(View text, size_t end) {
  constexpr size_t kMostLetters = 15;  // other options may be before it: -sSu
  const auto stands_alone = [&](size_t start) {
    return start > 0 && (is(text[start - 1], kSpaceByte) || text[start - 1] == '"' || text[start - 1] == '\'');
  };
  if (lower_of(text[end - 1]) == 'u') {
    size_t start = end - 1;
    while (start > 0 && end - 1 - start < kMostLetters && (is(text[start - 1], kLetter | kDigit) || text[start - 1] == '#')) {
      --start;
    }
    return start > 0 && text[start - 1] == '-' && stands_alone(start - 1) ? start - 2 : View::npos;
  }
  for (const View option : {"--user", "--proxy-user"}) {
    if (end < option.size() || text.substr(end - option.size(), option.size()) != option) continue;
    if (stands_alone(end - option.size())) return end - option.size() - 1;
  }
  return View::npos;
}

// Returns where the user starts that ends at an index in `curl -u user:password`; npos if there is none.
inline size_t user_of_curl(View text, size_t end, Ahead& ahead) {
  constexpr size_t kLongestUser = 128, kWindow = 256;
  constexpr View kCurl = "curl";
  if (ahead.first_curl == Ahead::kUnread) ahead.first_curl = text.find(kCurl);
  if (ahead.first_curl > end) return View::npos;
  size_t start = end;
  while (start > 0 && end - start < kLongestUser && !is(text[start - 1], kNotInUser)) {
    --start;
  }
  size_t option;
  if (end - start >= 2 && start > 0 && text[start] == '-' && lower_of(text[start + 1]) == 'u' &&
      (is(text[start - 1], kSpaceByte) || text[start - 1] == '"' || text[start - 1] == '\'')) {
    option = start - 1;  // -uuser:password
  } else {
    size_t at = start;
    while (at > 0 && start - at < kLongestUserGap && contains(" =\"',\\", text[at - 1])) --at;
    if (at == start || at == 0 || (lower_of(text[at - 1]) != 'u' && text[at - 1] != 'r')) return View::npos;
    option = before_user_option(text, at);
    if (option == View::npos) return View::npos;
  }
  const size_t first = option - std::min(option, kWindow);
  const size_t unread = std::max(ahead.searched - std::min(ahead.searched, kCurl.size()), first);
  if (unread < option) {
    const size_t found = text.substr(unread, option - unread).rfind(kCurl);
    if (found != View::npos) ahead.curl = unread + found;
  }
  ahead.searched = std::max(ahead.searched, option);
  return ahead.curl != View::npos && ahead.curl >= first ? start : View::npos;
}

// Returns the end of the password of a user whose name starts at an index.
inline size_t end_of_password(View text, size_t start, size_t user) {
  const char quote = user > 0 ? text[user - 1] : ' ';
  if (quote != '"' && quote != '\'') return end_of_word(text, start);
  size_t escapes = user - 1;
  while (escapes > 0 && user - 1 - escapes < kLongestUserGap && text[escapes - 1] == '\\') --escapes;
  return end_of_quoted(text, start, user - 1 - escapes, quote);
}

// Returns where some spaces start that end at an index, also escaped ones; the index itself if there are none.
inline size_t start_of_gap(View text, size_t end, size_t low) {
  constexpr size_t kMost = 16;
  size_t start = end;
  for (size_t i = 0; i < kMost && start > low; ++i) {
    if (is(text[start - 1], kSpaceByte)) {
      --start;
    } else if (contains("nrt", text[start - 1]) && start - 1 > low && text[start - 2] == '\\') {
      start -= 2;
    } else {
      break;
    }
  }
  return start;
}

inline size_t start_of_spaces(View text, size_t end, size_t low) {
  constexpr size_t kMost = 16;
  size_t start = end;
  while (start > low && end - start < kMost && is(text[start - 1], kSpaceByte)) --start;
  return start;
}

// Tells whether `IDENTIFIED BY`, or the like, ends at an index.
inline bool has_identified_by(View text, size_t end, size_t low) {
  constexpr size_t kLongestPlugin = 64;
  const auto has_before = [&](size_t at, View lower) {
    return at >= low + lower.size() && has_lower_at(text, at - lower.size(), lower);
  };
  if (!has_before(end, "by")) return false;
  const size_t by = end - 2, gap = start_of_gap(text, by, low);
  if (gap < by && has_before(gap, "identified")) return true;
  const size_t plugin = start_of_spaces(text, by, low);  // IDENTIFIED WITH plugin BY
  size_t at = plugin;
  while (at > low && plugin - at < kLongestPlugin && is(text[at - 1], kWordByte)) --at;
  const size_t with = start_of_spaces(text, at, low);
  if (plugin == by || at == plugin || with == at || !has_before(with, "with")) return false;
  const size_t behind_verb = start_of_spaces(text, with - 4, low);
  return behind_verb < with - 4 && has_before(behind_verb, "identified");
}

// Tells whether a word of which the last letter is that of PASSWORD, BY or VALUES may be before a quote: a quick look.
inline bool may_precede_password(View text, size_t quote) {
  size_t end = quote;
  while (end > 0 && text[end - 1] == '\\') --end;
  while (end > 0 && is(text[end - 1], kSpaceByte)) --end;
  if (end == 0) return false;
  switch (text[end - 1]) {
    case 'd': case 'D': case 's': case 'S': case 'y': case 'Y':
      return end < quote;
    case 'n': case 'r': case 't':
      return end >= 2 && text[end - 2] == '\\';
    default:
      return text[end - 1] == 'E' || text[end - 1] == 'N';
  }
}

// Tells whether what is before a quote says that a password follows, as in `ALTER USER bob PASSWORD 'x'`.
inline bool precedes_password(View text, size_t at, size_t low, char quote) {
  constexpr View kPassword = "password", kValues = "values";
  const auto has_before = [&](size_t end, View lower) {
    return end >= low + lower.size() && has_lower_at(text, end - lower.size(), lower);
  };
  size_t end = start_of_gap(text, at, low);
  if (end == at) {  // E'x', N'x'
    if (at == low || !contains("EN", text[at - 1])) return false;
    end = start_of_gap(text, at - 1, low);
    if (end == at - 1) return false;
  }
  if (quote == '\'' && has_before(end, kPassword)) {
    const size_t start = end - kPassword.size();
    if (start == low || !is(text[start - 1], kWordByte)) return true;
  }
  if (has_before(end, kValues)) {
    const size_t values = end - kValues.size();
    end = start_of_gap(text, values, low);
    if (end == values) return false;
  }
  return has_identified_by(text, end, low);
}

// Tells whether a password without quotes follows an index, as Oracle has it: ALTER USER x IDENTIFIED BY y.
inline bool sets_password(View text, size_t end, size_t low) {
  constexpr size_t kWindow = 256, kMostSpaces = 8;
  constexpr View kVerb = "identified", kBy = "by";
  if (end < low + kBy.size() || !has_lower_at(text, end - kBy.size(), kBy)) return false;
  const size_t by = end - kBy.size();
  size_t verb = by;
  while (verb > low && by - verb < kMostSpaces && is(text[verb - 1], kSpaceByte)) --verb;
  if (verb == by || verb < low + kVerb.size() || !has_lower_at(text, verb - kVerb.size(), kVerb)) return false;
  const View before = text.substr(std::max(low, end - std::min(end, kWindow)), View::npos);
  View left = before.substr(0, static_cast<size_t>(text.data() + verb - kVerb.size() - before.data()));
  if (!left.empty() && !is(left.back(), kSpaceByte)) return false;  // a word that ends with it
  bool grants = false, to = false, connects = false, sets = false;
  View next;
  for (size_t words = 0; !left.empty(); ++words) {  // from the last to the first
    while (!left.empty() && is(left.back(), kSpaceByte)) left.remove_suffix(1);
    size_t start = left.size();
    while (start > 0 && !is(left[start - 1], kSpaceByte)) --start;
    const View word = left.substr(start);
    left.remove_suffix(word.size());
    if (word.empty()) break;
    const auto is_word = [](View one, View lower) { return one.size() == lower.size() && has_lower_at(one, 0, lower); };
    if (words == 1) to = is_word(word, "to");
    if (words == 2) connects = is_word(word, "connect");
    grants = grants || is_word(word, "grant");
    sets = sets || ((is_word(word, "alter") || is_word(word, "create")) && (is_word(next, "role") || is_word(next, "user")));
    next = word;
  }
  return sets || (to && (connects || grants));
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
