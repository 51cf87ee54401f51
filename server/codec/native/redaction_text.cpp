#include "redaction_text.hpp"

#include "redaction_commands.hpp"
#include "redaction_values.hpp"

namespace lognotary {
namespace {

size_t next_stop(View text, size_t at) {
  while (at < text.size() && !is(text[at], kStop)) ++at;
  return at;
}

}  // namespace

const std::vector<Found>& TextScanner::find(View text) {
  found_.clear();
  ahead_ = {};
  size_t low = 0;
  const bool cards = stops_.may_have_card();
  for (size_t at = 0; (at = cards ? next_stop(text, at) : stops_.next(at, text.size())) < text.size();) {
    Found found;
    size_t next = at + 1;
    if (const size_t end = text[at] == ':' ? end_of_mark_around(text, at, low) : 0; end != 0) {
      at = low = end;
      continue;
    }
    if (!look(text, at, low, next, found)) {
      if (!found_.empty()) low = std::max(low, found_.back().end);
      at = std::max(next, low);
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
      if (const size_t slashes = stop == ':' ? end_of_slashes(text, at) : 0; slashes != 0) {
        any = in_url(text, slashes, low, next, found);
        break;
      }
      return value(text, at, at + 1, low, next, found);
    case 'd':
    case 'D':
      if (const size_t equals = start_of_escaped_equals(text, at, low); equals != View::npos) {
        return value(text, equals, at + 1, low, next, found);
      }
      return false;
    case 'y':
    case 'Y':
      return behind_by(text, at + 1, low, found);
    case 'B':
    case 'b':
      any = find_scheme(text, at, redaction_, ahead_, found) ||
            (redaction_.on(kPrivateKeyRule) && find_private_key(text, at, low, ahead_, found));
      break;
    case 'J':
      any = redaction_.on(kJwtRule) && find_jwt(text, at, low, ahead_, found);
      break;
    case '\'':
    case '"':
      return in_statement(text, at, low, found);
    case '-':
      if (at > 0 && text[at - 1] == '-') return option(text, at, low, found);
      any = find_prefixed(text, at, low, redaction_, ahead_, found);
      break;
    case '_':
    case 'z':
    case '.':
    case 'I':
      any = find_prefixed(text, at, low, redaction_, ahead_, found);
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
    if (!has_at(text, start, name)) continue;
    if (const size_t end = end_of_mark(text, start); end != 0) return end;
  }
  return 0;
}

bool TextScanner::is_secret(const KeyWord& word, View value) const {
  if (is_nothing(value) || (word.paths && is_absolute_path(value))) return false;
  if (is_state(value) || (!word.prose && is_punctuation(value))) return false;
  if (!value.empty() && end_of_mark(value, 0) == value.size()) return false;
  if ((word.alone && is_verdict(value)) || (word.parameter && !is_signature(value))) return false;
  return !(word.counts && is_number(value));
}

bool TextScanner::value(View text, size_t at, size_t start, size_t low, size_t& next, Found& found) {
  const bool colon = text[at] == ':';
  if (colon && (has_byte(text, at + 1, ':') || (at > 0 && text[at - 1] == ':'))) return false;
  const Key before = key_before(text, at, low);
  const bool in_json = !before.quote.empty();
  size_t start_of_word = before.start;
  const KeyWord* known = nullptr;
  const bool has_letters =
      std::any_of(before.key.begin(), before.key.end(), [](char c) { return is(c, kLetter | kOtherScript); });
  if (!in_json && !has_letters && (start >= text.size() || is_space_at(text, start))) return false;
  if (in_json || has_letters) {
    if (!before.key.empty()) known = redaction_.find(before.key, scratch_);
    if (known == &Redaction::kKept) {
      known = nullptr;
      if (in_json && colon) {
        next = end_of_kept(text, start);
        return false;
      }
    } else if (known == nullptr && before.in_other_script) {
      known = word_behind_other_script(before.key, start_of_word);
    }
    if (known == nullptr && !in_json && before.start > 0 && text[before.start - 1] == '\\') {
      const size_t escape = end_of_escape(before.key);
      start_of_word = before.start + escape;
      known = word_of(before.key.substr(escape), start_of_word);
    }
    constexpr View kValue = "value";
    if (known == nullptr && in_json && before.key.size() == kValue.size() && has_lower_at(before.key, 0, kValue) &&
        before.start >= low + before.quote.size() && has_at(text, before.start - before.quote.size(), before.quote)) {
      size_t any_place = 0;
      known = word_of(name_before(text, before.start - before.quote.size(), low), any_place);
    }
  }
  if (known == nullptr) {
    if (!colon || in_json || before.spaced || !redaction_.on(kPasswordRule)) return false;
    const size_t user = user_of_curl(text, at, ahead_);
    return user != View::npos && of_user(text, start, user, found);
  }
  if (known->alone && !in_json && colon) return false;
  if (known->parameter && (in_json || !is_parameter(text, start_of_word))) return false;
  bool spaced = before.spaced;
  if (has_byte(text, start, colon ? '=' : '>')) {  // => and :=
    ++start;
    spaced = true;
  }
  if (colon || spaced || in_json) {
    const size_t next_line = in_json ? end_of_next_line(text, start) : View::npos;
    start = next_line != View::npos ? next_line : end_of_blanks(text, start);
  }
  const size_t escapes = count_backslashes(text, start);
  if (is_at(text, start + escapes, kQuoteByte)) {
    if (!in_json && closes_text(text, start)) return false;
    return in_quotes(text, start, escapes, *known, before.quote, found);
  }
  if (has_byte(text, start, '{') || has_byte(text, start, '[')) {
    return in_brackets(text, start, *known, before.quote, found);
  }
  return word(text, start, *known, before.quote, colon && !in_json, false, found);
}

bool TextScanner::of_user(View text, size_t start, size_t user, Found& found) const {
  const size_t mark = end_of_mark(text, start), end = end_of_password(text, std::max(mark, start), user);
  found = {start, end, kPasswordRule, View()};
  return is_secret(kPasswordOfUser, text.substr(start, end - start));
}

// Returns what makes a key secret that starts at an index, null if its values are kept or are no secrets. Letters of
// other scripts may stand right before a key, as well as be its own; `start` becomes the index of what it names.
const KeyWord* TextScanner::word_of(View key, size_t& start) {
  if (key.empty()) return nullptr;
  const KeyWord* const known = redaction_.find(key, scratch_);
  if (known == &Redaction::kKept) return nullptr;
  return known == nullptr ? word_behind_other_script(key, start) : known;
}

const KeyWord* TextScanner::word_behind_other_script(View key, size_t& start) {
  size_t behind = key.size();
  while (behind > 0 && !is(key[behind - 1], kOtherScript)) --behind;
  if (behind == 0 || behind == key.size()) return nullptr;
  start += behind;
  const KeyWord* const known = redaction_.find(key.substr(behind), scratch_);
  return known == &Redaction::kKept ? nullptr : known;
}

bool TextScanner::in_quotes(View text, size_t start, size_t escapes, const KeyWord& word, View quote,
                            Found& found) const {
  const Quoted value = quoted(text, start, escapes);
  if (value.behind != 0) {
    const size_t last = end_behind_quote(text, value.behind, text[start + escapes], !quote.empty());
    if (last > value.behind) {  // "a"b
      found = {quote.empty() ? start : value.start, last, word.rule, View()};
      return true;
    }
  }
  found = {value.start, value.end, word.rule, View()};
  return is_secret(word, text.substr(value.start, value.end - value.start));
}

bool TextScanner::in_brackets(View text, size_t start, const KeyWord& word, View quote, Found& found) const {
  if (word.parameter || (word.parts && has_parts(text, start))) return false;
  size_t end = end_of_mark(text, start);
  if (end == 0) end = end_of_brackets(text, start);
  size_t last = end_behind_brackets(text, end, !quote.empty());
  if (word.rule == kCookieRule && (last > end || has_byte(text, end, ';'))) last = end_of_line(text, end, true);
  found = {start, last, word.rule, quote};
  return is_secret(word, text.substr(start, last - start));
}

bool TextScanner::word(View text, size_t start, const KeyWord& word, View quote, bool sentence, bool option,
                       Found& found) {
  size_t end;
  if (word.rule == kCookieRule) {
    if (sentence && !is_cookie(text, start)) return false;
    end = end_of_line(text, start, true);
  } else {
    if (!ahead_.word.has(start)) ahead_.word = {start, end_of_word(text, start)};
    end = ahead_.word.end;
    for (const Scheme& scheme : redaction_.schemes()) {
      if (word.parameter || end - start != scheme.name.size() || !has_byte(text, end, ' ')) continue;
      if (!has_lower_at(text, start, scheme.name)) continue;
      if (scheme.of_header && word.rule != kAuthorizationRule) continue;
      const size_t credentials = end_of_blanks(text, end);
      end = scheme.parameters ? end_of_line(text, end, false) : end_of_word(text, credentials);
      if (scheme.of_header && sentence && is_plain_word(text.substr(credentials, end - credentials))) return false;
      break;
    }
  }
  const View value = text.substr(start, end - start);
  if (sentence && (option || !word.prose) && is_plain_word(value)) return false;
  if ((sentence && !option && is_about(text, start)) || !is_secret(word, value)) return false;
  found = {start, end, word.rule, quote};
  return true;
}

}  // namespace lognotary
