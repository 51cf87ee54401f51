#include "redaction_forms.hpp"

namespace lognotary {
namespace {

// Tells whether a token can begin here: behind no letter, digit or underscore, or behind an escape.
bool begins(View text, size_t at) {
  if (at == 0 || !is(text[at - 1], kWordByte)) return true;
  if (at >= 2 && text[at - 2] == '\\' && View("bfnrt").find(text[at - 1]) != View::npos) return true;
  return at >= 3 && is_percent_encoded(text, at - 3);
}

bool looks_random(View text) {
  bool small = false, capital = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is(text[i], kDigit)) return true;
    small = small || (text[i] >= 'a' && text[i] <= 'z');
    capital = capital || (i > 0 && text[i] >= 'A' && text[i] <= 'Z');
  }
  return small && capital;
}

// Returns the value of a base64 digit of either alphabet.
uint32_t base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<uint32_t>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<uint32_t>(c - 'a' + 26);
  if (c >= '0' && c <= '9') return static_cast<uint32_t>(c - '0' + 52);
  return c == '+' || c == '-' ? 62 : 63;
}

// Decodes base64; what is left at the end is ignored.
std::string decoded(View text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string out;
  uint32_t bits = 0, count = 0;
  for (const char c : text) {
    bits = (bits & 0xFFFF) << 6 | base64_digit(c);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

int classes_of(Characters characters) {
  switch (characters) {
    case Characters::kWord:
      return kWordByte;
    case Characters::kName:
      return kNameByte;
    case Characters::kDotted:
      return kNameByte | kDot;
    default:
      return kDigit | kLetter;
  }
}

size_t end_of_token(View text, size_t at, Characters characters) {
  if (characters != Characters::kCapitals) return end_of_run(text, at, classes_of(characters));
  while (is_at(text, at, kDigit) || (at < text.size() && text[at] >= 'A' && text[at] <= 'Z')) ++at;
  return at;
}

constexpr size_t kMostGroups = 5;
constexpr size_t kCardGroups[][kMostGroups] = {{4, 4, 4, 4, 3}, {4, 4, 4, 4, 0}, {4, 6, 5, 0, 0}, {4, 6, 4, 0, 0}};

// Reads groups of digits with a space or a hyphen between each two into `digits`; returns their end, 0 if there are
// none.
size_t end_of_groups(View text, size_t at, const size_t (&groups)[kMostGroups], std::string& digits) {
  if (at + 4 >= text.size()) return 0;
  const char separator = text[at + 4];
  if (separator != ' ' && separator != '-') return 0;
  digits.clear();
  for (size_t number = 0; number < kMostGroups && groups[number] != 0; ++number) {
    if (number > 0 && !has_byte(text, at++, separator)) return 0;
    for (size_t i = 0; i < groups[number]; ++i, ++at) {
      if (!is_at(text, at, kDigit)) return 0;
      digits += text[at];
    }
    if (is_at(text, at, kDigit)) return 0;
  }
  return at;
}

bool has_issuer(View digits) {
  const size_t size = digits.size();
  int four = 0;
  for (size_t i = 0; i < 4; ++i) four = four * 10 + (digits[i] - '0');
  const int two = four / 100, three = four / 10;
  if (two / 10 == 4) return size == 13 || size == 16 || size == 19;
  if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720)) return size == 16;
  if (two == 34 || two == 37) return size == 15;
  if ((three >= 300 && three <= 305) || four == 3095 || two == 36 || two == 38 || two == 39) {
    return size == 14 || size == 16;
  }
  if (four == 6011 || two == 62 || two == 65 || (three >= 644 && three <= 649) || (four >= 3528 && four <= 3589)) {
    return size >= 16;
  }
  constexpr int kMaestro[] = {5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763};
  return std::find(std::begin(kMaestro), std::end(kMaestro), four) != std::end(kMaestro);
}

bool is_luhn(View digits) {
  int total = 0;
  for (size_t place = 0; place < digits.size(); ++place) {
    const int value = digits[digits.size() - 1 - place] - '0';
    total += place % 2 == 0 ? value : 2 * value - (value > 4 ? 9 : 0);
  }
  return total % 10 == 0;
}

bool is_card(View text, size_t end, View digits) {
  if (is_at(text, end, kWordByte)) return false;
  if (has_byte(text, end, '.') && is_at(text, end + 1, kDigit)) return false;
  return has_issuer(digits) && is_luhn(digits);
}

}  // namespace

bool find_prefixed(View text, size_t at, size_t low, const Redaction& redaction, Ahead& ahead, Found& found) {
  if (at == 0) return false;
  for (const Prefix& prefix : redaction.prefixes(text.substr(at - 1, 2))) {
    if (at < low + prefix.stop) continue;
    const size_t start = at - prefix.stop;
    if (text[start] != prefix.text[0] || !has_at(text, start, prefix.text) || !begins(text, start)) continue;
    const size_t behind = start + prefix.text.size();
    Stretch& no_digit = ahead.no_digit[static_cast<size_t>(prefix.characters)];
    if (!redaction.on(prefix.rule) || (prefix.digit && no_digit.has(behind))) continue;
    const size_t most = prefix.longest == 0 ? text.size() : std::min(text.size(), behind + prefix.longest + 1);
    const size_t end = end_of_token(text.substr(0, most), behind, prefix.characters);
    if (end - behind < prefix.shortest || (prefix.longest != 0 && end - behind > prefix.longest)) continue;
    if (prefix.digit && std::none_of(text.begin() + static_cast<ptrdiff_t>(behind), text.begin() + static_cast<ptrdiff_t>(end),
                                     [](char c) { return is(c, kDigit); })) {
      no_digit = {behind, end};
      continue;
    }
    if (prefix.characters == Characters::kCapitals && is_at(text, end, kWordByte)) continue;
    found = {start, end, prefix.rule, View()};
    return true;
  }
  return false;
}

bool find_aws_secret(View text, size_t at, Found& found) {
  constexpr size_t kSize = 40, kLongestGap = 8;
  constexpr int kClasses = kDigit | kLetter | kBase64Mark;
  size_t start = at;
  while (start < text.size() && start - at < kLongestGap && !is(text[start], kClasses)) ++start;
  if (start == at || text.size() - start < kSize) return false;
  for (size_t i = start; i < start + kSize; ++i) {
    if (!is(text[i], kClasses)) return false;
  }
  if (is_at(text, start + kSize, kClasses) || !looks_random(text.substr(start, kSize))) return false;
  found = {start, start + kSize, kAwsSecretRule, View()};
  return true;
}

bool find_jwt(View text, size_t at, size_t low, Ahead& ahead, Found& found) {
  if (at < low + 2) return false;
  const size_t start = at - 2;
  if (!has_at(text, start, "eyJ") || !begins(text, start)) return false;
  Stretch& no_header = ahead.no_header[start % ahead.no_header.size()];
  if (ahead.no_jwt.has(start) || no_header.has(start)) return false;
  const size_t first = end_of_run(text, start, kNameByte);
  size_t end = has_byte(text, first, '.') ? end_of_run(text, first + 1, kNameByte) : first;
  if (end == first || !has_byte(text, end, '.')) {
    ahead.no_jwt = {start, first};
    return false;
  }
  const std::string header = decoded(text.substr(start, first - start));
  if (!has_at(header, 0, "{\"") || header.find("\"alg\"") == std::string::npos) {
    no_header = {start, first};
    return false;
  }
  end = end_of_run(text, end + 1, kNameByte);
  for (int part = 0; part < 2 && has_byte(text, end, '.') && is_at(text, end + 1, kNameByte); ++part) {
    end = end_of_run(text, end + 1, kNameByte);
  }
  found = {start, end, kJwtRule, View()};
  return true;
}

bool find_scheme(View text, size_t at, const Redaction& redaction, Ahead& ahead, Found& found) {
  const bool bearer = has_lower_at(text, at, "bearer");
  if (!bearer && !has_lower_at(text, at, "basic")) return false;
  if (!redaction.on(bearer ? kBearerRule : kBasicRule)) return false;
  if (!begins(text, at)) return false;
  const size_t behind = at + (bearer ? 6 : 5);
  size_t start = behind;
  while (start - behind < 4 && has_byte(text, start, ' ')) ++start;
  if (start == behind) start += has_at(text, start, "%20") ? 3 : has_byte(text, start, '+') ? 1 : 0;
  if (start == behind) return false;
  if (bearer) {
    if (ahead.no_bearer.has(start)) return false;
    const size_t end = end_of_run(text, start, kCredentialByte);
    if (end - start < 8 || !looks_random(text.substr(start, end - start))) {
      ahead.no_bearer = {start, end};
      return false;
    }
    found = {start, end, kBearerRule, View()};
    return true;
  }
  constexpr size_t kLongestBasic = 1024;
  const View most = text.substr(0, std::min(text.size(), start + kLongestBasic + 1));
  size_t end = end_of_run(most, start, kNameByte | kBase64Mark);
  for (int padding = 0; padding < 2 && has_byte(most, end, '='); ++padding) ++end;
  if (end - start > kLongestBasic) return false;
  const std::string pair = decoded(text.substr(start, end - start));
  if (pair.find(':') == std::string::npos) return false;
  if (std::any_of(pair.begin(), pair.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) return false;
  found = {start, end, kBasicRule, View()};
  return true;
}

bool find_private_key(View text, size_t begin, size_t low, Ahead& ahead, Found& found) {
  constexpr View kBegin = "-----BEGIN ", kName = "PRIVATE KEY", kBlock = " BLOCK", kEnd = "-----END ", kDashes = "-----";
  constexpr size_t kLongestLabel = 32;
  if (begin < low + kDashes.size()) return false;
  const size_t at = begin - kDashes.size();
  if (!has_at(text, at, kBegin)) return false;
  size_t behind = 0;
  for (size_t i = 0; i <= kLongestLabel && behind == 0; ++i) {
    const size_t name = at + kBegin.size() + i;
    if (has_at(text, name, kName)) {
      const size_t end = name + kName.size();
      if (has_at(text, end, kDashes)) behind = end + kDashes.size();
      if (has_at(text, end, kBlock) && has_at(text, end + kBlock.size(), kDashes)) {
        behind = end + kBlock.size() + kDashes.size();
      }
    }
    if (name >= text.size() || !(is(text[name], kDigit) || text[name] == ' ' || (text[name] >= 'A' && text[name] <= 'Z'))) {
      break;
    }
  }
  if (behind == 0) return false;
  if (!ahead.footer.has(behind)) ahead.footer = {behind, std::min(text.find(kEnd, behind), text.size())};
  size_t end = ahead.footer.end;
  if (end == text.size()) {
    found = {at, text.size(), kPrivateKeyRule, View()};
    return true;
  }
  end += kEnd.size();
  const size_t last = text.substr(end, 64).find(kDashes);
  found = {at, last == View::npos ? end : end + last + kDashes.size(), kPrivateKeyRule, View()};
  return true;
}

bool find_card(View text, size_t at, size_t& end_of_digits, Found& found) {
  const size_t end = end_of_digits = end_of_run(text, at, kDigit);
  const size_t size = end - at;
  const bool grouped = size == 4;
  if (!grouped && (size < 13 || size > 19)) return false;
  if (!begins(text, at) || (at >= 2 && text[at - 1] == '.' && is(text[at - 2], kDigit))) return false;
  if (!grouped) {
    if (!is_card(text, end, text.substr(at, size))) return false;
    found = {at, end, kCardRule, View()};
    return true;
  }
  std::string digits;
  for (const auto& groups : kCardGroups) {
    const size_t last = end_of_groups(text, at, groups, digits);
    if (last == 0 || !is_card(text, last, digits)) continue;
    found = {at, last, kCardRule, View()};
    return true;
  }
  return false;
}

}  // namespace lognotary
