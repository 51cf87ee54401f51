// Secrets in statements of SQL, and behind options of commands, as server/codec/redaction_text.py finds them.
#include "redaction_commands.hpp"
#include "redaction_text.hpp"
#include "redaction_values.hpp"

namespace lognotary {

bool TextScanner::in_statement(View text, size_t at, size_t low, Found& found) const {
  if (!may_precede_password(text, at)) return false;
  size_t start = at;
  while (start > low && at - start < kMostBackslashes && text[start - 1] == '\\') --start;
  if (!redaction_.on(kPasswordRule) || !precedes_password(text, start, low, text[at])) return false;
  if (at + 1 >= text.size() || is_space_at(text, at + 1) || closes_text(text, start)) return false;
  return in_quotes(text, start, at - start, kPasswordOfUser, View(), found);
}

bool TextScanner::behind_by(View text, size_t at, size_t low, Found& found) {
  constexpr size_t kMostSpaces = 16;
  if (!is_space_at(text, at) || !redaction_.on(kPasswordRule) || !sets_password(text, at, low)) return false;
  size_t start = at;
  while (start - at < kMostSpaces && is_space_at(text, start)) ++start;
  if (is_at(text, start + count_backslashes(text, start), kQuoteByte)) return false;
  for (const View keyword : {"password", "random", "values"}) {  // IDENTIFIED BY VALUES '…'
    if (has_lower_at(text, start, keyword) && !is_at(text, start + keyword.size(), kWordByte)) return false;
  }
  if (end_of_mark(text, start) != 0) return in_brackets(text, start, kPasswordOfUser, View(), found);
  return !is_no_argument(text, start) && word(text, start, kPasswordOfUser, View(), false, false, found);
}

bool TextScanner::option(View text, size_t at, size_t low, Found& found) {
  const Option option = find_option(text, at, low);
  const KeyWord* const known = option.name.empty() ? nullptr : redaction_.find_option(option.name, scratch_);
  if (known == nullptr) return false;
  if (end_of_mark(text, option.value) != 0) return in_brackets(text, option.value, *known, View(), found);
  if (is_no_argument(text, option.value)) return false;
  const size_t escapes = count_backslashes(text, option.value);
  if (is_at(text, option.value + escapes, kQuoteByte)) {
    return in_quotes(text, option.value, escapes, *known, View(), found);
  }
  return word(text, option.value, *known, View(), true, true, found);
}

}  // namespace lognotary
