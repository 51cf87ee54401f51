// Passwords in URLs, and the users before them, as server/codec/redaction_urls.py finds them.
#include "redaction_text.hpp"
#include "redaction_values.hpp"

namespace lognotary {

// Returns the end of the user in an authority: at the first colon that is not within a mark; npos if there is none.
size_t TextScanner::behind_user(View text, size_t start, size_t end) const {
  size_t behind_mark = 0;
  for (size_t at = start; at < end; ++at) {
    if (text[at] != ':') continue;
    const size_t mark = end_of_mark_around(text, at, start);
    if (mark == 0) return has_byte(text, start, '[') && behind_mark == 0 ? View::npos : at;
    behind_mark = mark;
    at = mark - 1;
  }
  return View::npos;
}

bool TextScanner::in_url(View text, size_t start, size_t low, size_t& next, Found& found) {
  constexpr size_t kLongestBehind = 256;
  size_t end = start, last = View::npos;
  bool has_colon = false;
  for (; end < text.size() && in_authority(text[end]); ++end) {
    has_colon = has_colon || text[end] == ':';
    if (text[end] == '@') last = end;
  }
  const size_t colon = has_colon ? behind_user(text, start, end) : View::npos;
  if (colon == View::npos) return false;
  const bool before = last == View::npos || last < colon;
  if (before && end > colon + 1 && end_of_run(text, colon + 1, kDigit) < end) {
    // a password with a slash, which should have been encoded
    if (!ahead_.behind_authority.has(end)) {
      size_t behind = end;
      while (behind < text.size() && behind_authority(text[behind])) ++behind;
      ahead_.behind_authority = {end, behind};
    }
    const size_t behind = ahead_.behind_authority.end;
    if (behind - end <= kLongestBehind && has_byte(text, behind, '@')) last = behind;
  }
  if (last == View::npos || last <= colon + 1) return false;
  find_tokens(text, start, colon, low);
  const View password = text.substr(colon + 1, last - colon - 1);
  if (end_of_mark(password, 0) == password.size()) {
    next = last;
    return false;
  }
  found = {colon + 1, last, kUrlPasswordRule, View()};
  return true;
}

// Adds the tokens in the name of a user.
void TextScanner::find_tokens(View text, size_t start, size_t end, size_t low) {
  for (size_t at = start; at < end; ++at) {
    if (!contains("_-.JIz", text[at])) continue;
    Found token;
    const bool any = text[at] == 'J' ? redaction_.on(kJwtRule) && find_jwt(text, at, low, ahead_, token)
                                     : find_prefixed(text, at, low, redaction_, ahead_, token);
    if (!any || is_kept(text, token.start, low)) continue;
    found_.push_back(token);
    low = token.end;
    at = low - 1;
  }
}

}  // namespace lognotary
