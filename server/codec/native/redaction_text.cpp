#include "redaction_text.hpp"

#include "redaction_ends.hpp"

namespace lognotary {
namespace {

bool is_plain_word(View value) {
  constexpr size_t kLongest = 15;
  const size_t end = end_of_run(value, 0, kLetter);
  if (end == 0 || end > kLongest) return false;
  return end == value.size() || (end + 1 == value.size() && contains(".!?", value[end]));
}

bool is_number(View value) {
  const size_t start = has_byte(value, 0, '-') ? 1 : 0;
  size_t end = end_of_run(value, start, kDigit);
  if (end == start) return false;
  if (!has_byte(value, end, '.')) return end == value.size();
  const size_t decimals = end + 1;
  end = end_of_run(value, decimals, kDigit);
  return end > decimals && end == value.size();
}

bool is_nothing(View value) {
  if (std::all_of(value.begin(), value.end(), [](char c) { return c == '*' || c == '?'; })) return true;
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

bool is_absolute_path(View value) {
  if (has_byte(value, 0, '/') || has_byte(value, 0, '~')) return true;
  return is_at(value, 0, kLetter) && has_byte(value, 1, ':') && (has_byte(value, 2, '/') || has_byte(value, 2, '\\'));
}

// Tells whether brackets begin an object, or a list of objects.
bool has_parts(View text, size_t at) {
  if (has_byte(text, at, '[')) ++at;
  return has_byte(text, end_of_blanks(text, at), '{');
}

bool is_cookie(View text, size_t at) {
  const size_t start = at;
  constexpr size_t kLongestName = 64;
  while (at - start < kLongestName && at < text.size() && !is(text[at], kSpaceByte | kQuoteByte) &&
         !contains(",;:=", text[at])) {
    ++at;
  }
  return at > start && has_byte(text, at, '=');
}

bool in_authority(char c) { return !is(c, kSpaceByte | kQuoteByte) && !contains("<>|^{}\\/?#", c); }

bool behind_authority(char c) { return !is(c, kSpaceByte | kQuoteByte) && !contains("<>|^{}\\@", c); }

size_t next_stop(View text, size_t at) {
  while (at < text.size() && !is(text[at], kStop)) ++at;
  return at;
}

size_t start_of_key(View text, size_t end, size_t low, bool quoted) {
  size_t start = end;
  while (start > low && end - start < kLongestKey &&
         (is(text[start - 1], kKeyByte) || (quoted && (text[start - 1] == '/' || text[start - 1] == ' ')))) {
    --start;
  }
  return start;
}

}  // namespace

const std::vector<Found>& TextScanner::find(View text) {
  found_.clear();
  size_t low = 0;
  const bool cards = may_have_card(text);
  for (size_t at = 0; (at = cards ? next_stop(text, at) : redaction_.next_stop(text, at)) < text.size();) {
    Found found;
    size_t next = at + 1;
    if (!look(text, at, low, next, found)) {
      at = next;
      continue;
    }
    found_.push_back(found);
    at = low = found.end;
    if (found.rule == kAwsKeyRule && redaction_.on(kAwsSecretRule) && find_aws_secret(text, at, found)) {
      found_.push_back(found);
      at = low = found.end;
    }
  }
  return found_;
}

bool TextScanner::look(View text, size_t at, size_t low, size_t& next, Found& found) {
  const char stop = text[at];
  bool any = false;
  switch (stop) {
    case ':':
    case '=':
      if (const size_t end = end_of_mark_around(text, at, low); end != 0) {
        next = end;
        return false;
      }
      if (!has_at(text, at, "://")) return value(text, at, low, found);
      any = password_of_url(text, at + 3, found);
      break;
    case 'B':
    case 'b':
      any = find_scheme(text, at, found) || find_private_key(text, at, low, found);
      break;
    case 'J':
      any = find_jwt(text, at, low, found);
      break;
    case '-':
    case '_':
    case 'z':
    case '.':
    case 'I':
      any = find_prefixed(text, at, low, redaction_, found);
      break;
    default:
      any = find_card(text, at, next, found);
  }
  return any && redaction_.on(found.rule) && !is_kept(text, found.start, low);
}

// Tells whether a text is the value of a JSON member that is never redacted.
bool TextScanner::is_kept(View text, size_t start, size_t low) {
  size_t at = start;
  if (at > low && is(text[at - 1], kQuoteByte)) {
    --at;
    while (at > low && start - at <= kMostBackslashes && text[at - 1] == '\\') --at;
  }
  const size_t end = at;
  while (at > low && end - at < kMostBlanks && is(text[at - 1], kBlankByte)) --at;
  if (at <= low || text[at - 1] != ':') return false;
  const Key before = key_before(text, at - 1, low);
  return !before.quote.empty() && redaction_.find(before.key, scratch_) == &Redaction::kKept;
}

size_t TextScanner::end_of_mark(View text, size_t at) const {
  const bool hashed = has_at(text, at, kHashed);
  if (!hashed && !has_at(text, at, kRemoved)) return 0;
  const View rest = text.substr(at + (hashed ? kHashed : kRemoved).size());
  for (int rule = 0; rule < kRedactionRules; ++rule) {
    const std::string& name = redaction_.name(static_cast<RedactionRule>(rule));
    if (!has_at(rest, 0, name)) continue;
    size_t end = name.size();
    if (hashed) {
      if (!has_byte(rest, end, ':')) continue;
      const size_t digits = ++end;
      while (end - digits < kMarkDigits && is_at(rest, end, kDigit | kHexLetter) && lower_of(rest[end]) == rest[end]) ++end;
      if (end - digits < kMarkDigits) continue;
    }
    constexpr View kCommitment = ":sha256:";
    constexpr size_t kCommitmentDigits = 64;
    if (!hashed && has_at(rest, end, kCommitment)) {
      const size_t digits = end += kCommitment.size();
      while (is_at(rest, end, kDigit | kHexLetter) && lower_of(rest[end]) == rest[end]) ++end;
      if (end - digits != kCommitmentDigits) continue;
    }
    if (has_byte(rest, end, ']')) return text.size() - rest.size() + end + 1;
  }
  return 0;
}

size_t TextScanner::end_of_mark_around(View text, size_t colon, size_t low) const {
  for (const View name : {kRemoved, kHashed}) {
    if (colon + 1 < low + name.size()) continue;
    const size_t start = colon + 1 - name.size();
    if (const size_t end = end_of_mark(text, start); end != 0 && has_at(text, start, name)) return end;
  }
  return 0;
}

bool TextScanner::is_secret(const KeyWord& word, View value) const {
  if (is_nothing(value) || (word.paths && is_absolute_path(value))) return false;
  if ((!value.empty() && end_of_mark(value, 0) == value.size())) return false;
  return !(word.counts && is_number(value));
}

bool TextScanner::password_of_url(View text, size_t start, Found& found) const {
  constexpr size_t kLongestRest = 256;
  if (has_byte(text, start, '[')) return false;
  size_t end = start, colon = View::npos, last = View::npos;
  for (; end < text.size() && in_authority(text[end]); ++end) {
    if (text[end] == ':' && colon == View::npos) colon = end;
    if (text[end] == '@') last = end;
  }
  if (colon == View::npos) return false;
  const bool before = last == View::npos || last < colon;
  if (before && end > colon + 1 && end_of_run(text, colon + 1, kDigit) < end) {
    size_t behind = end;  // a password with a slash, which should have been encoded
    while (behind - end < kLongestRest && behind < text.size() && behind_authority(text[behind])) ++behind;
    if (has_byte(text, behind, '@')) last = behind;
  }
  if (last == View::npos || last <= colon + 1) return false;
  const View password = text.substr(colon + 1, last - colon - 1);
  if (end_of_mark(password, 0) == password.size()) return false;
  found = {colon + 1, last, kUrlPasswordRule, View()};
  return true;
}

bool TextScanner::value(View text, size_t at, size_t low, Found& found) {
  const bool colon = text[at] == ':';
  if (colon && (has_byte(text, at + 1, ':') || (at > 0 && text[at - 1] == ':'))) return false;
  const Key before = key_before(text, at, low);
  if (std::none_of(before.key.begin(), before.key.end(), [](char c) { return is(c, kLetter); })) return false;
  const KeyWord* const known = redaction_.find(before.key, scratch_);
  if (known == nullptr || known == &Redaction::kKept) return false;
  size_t start = at + 1;
  bool spaced = before.spaced;
  if (has_byte(text, start, colon ? '=' : '>')) {  // => and :=
    ++start;
    spaced = true;
  }
  if (colon || spaced || !before.quote.empty()) start = end_of_blanks(text, start);
  if (const size_t end = end_of_mark(text, start); end != 0 && is_after_closing(text, end)) return false;
  const size_t escapes = count_backslashes(text, start);
  if (is_at(text, start + escapes, kQuoteByte)) {
    if (before.quote.empty() && closes_text(text, start)) return false;
    const char quote = text[start + escapes];
    start += escapes + 1;
    const size_t end = end_of_quoted(text, start, escapes, quote);
    if (!is_secret(*known, text.substr(start, end - start))) return false;
    found = {start, end, known->rule, View()};
    return true;
  }
  if (has_byte(text, start, '{') || has_byte(text, start, '[')) {
    const size_t end = end_of_brackets(text, start);
    if ((known->parts && has_parts(text, start)) || !is_secret(*known, text.substr(start, end - start))) return false;
    found = {start, end, known->rule, before.quote};
    return true;
  }
  return word(text, start, *known, before.quote, colon && before.quote.empty(), found);
}

bool TextScanner::word(View text, size_t start, const KeyWord& word, View quote, bool sentence, Found& found) const {
  size_t end;
  if (word.rule == kCookieRule) {
    if (sentence && !is_cookie(text, start)) return false;
    end = end_of_line(text, start, true);
  } else {
    end = end_of_word(text, start);
    for (const Scheme& scheme : redaction_.schemes()) {
      if (end - start != scheme.name.size() || !has_byte(text, end, ' ')) continue;
      if (!has_lower_at(text, start, scheme.name)) continue;
      end = scheme.parameters ? end_of_line(text, end, false) : end_of_word(text, end_of_blanks(text, end));
      break;
    }
  }
  const View value = text.substr(start, end - start);
  if (sentence && !word.prose && is_plain_word(value)) return false;
  if (!is_secret(word, value)) return false;
  found = {start, end, word.rule, quote};
  return true;
}

TextScanner::Key TextScanner::key_before(View text, size_t at, size_t low) {
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
  size_t start = start_of_key(text, end, low, in_quotes);
  const View key = text.substr(start, end - start);
  if (!in_quotes && (key.size() == 3 || key.size() == 4) &&
      has_lower_at(key, 0, "key") && (key.size() == 3 || lower_of(key[3]) == 's')) {  // "secret access key: …"
    for (int i = 0; i < 2 && start > low && text[start - 1] == ' '; ++i) {
      start = start_of_key(text, start - 1, low, false);
    }
  }
  found.key = text.substr(start, end - start);
  return found;
}

}  // namespace lognotary
