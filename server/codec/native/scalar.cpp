#include "scalar.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace lognotary {

size_t write_int(char* to, int64_t number) {
  return static_cast<size_t>(std::to_chars(to, to + kLongestInt, number).ptr - to);
}

void append_int(std::string& out, int64_t number) {
  char digits[kLongestInt];
  out.append(digits, write_int(digits, number));
}

namespace {

// Appends a double that has few decimals, as most have, without looking for its shortest digits: up to 15
// digits always read back as the same double, so no other number of digits is shorter.
bool append_decimal(std::string& out, double number) {
  constexpr double kScale = 1e6;
  constexpr int64_t kWhole = 1'000'000;
  const double size = std::fabs(number);
  if (!(size >= 1e-3 && size < 1e9)) return false;
  const int64_t scaled = std::llround(size * kScale);
  if (static_cast<double>(scaled) / kScale != size) return false;
  if (std::signbit(number)) out += '-';
  append_int(out, scaled / kWhole);
  int64_t decimals = scaled % kWhole;
  if (decimals == 0) return true;
  char digits[8] = ".000000";
  size_t count = 7;
  for (size_t i = 6; i > 0; --i, decimals /= 10) digits[i] = static_cast<char>('0' + decimals % 10);
  while (digits[count - 1] == '0') --count;
  out.append(digits, count);
  return true;
}

}  // namespace

void append_double(std::string& out, double number) {
  if (std::isnan(number)) {
    out += "NaN";
    return;
  }
  if (std::isinf(number)) {
    out += number > 0 ? "Infinity" : "-Infinity";
    return;
  }
  if (append_decimal(out, number)) return;
  // In fixed notation std::to_chars prints large numbers to their last digit; what is wanted is the
  // shortest digits, and zeros. So the digits are taken from the scientific form, "-d.ddde-xx".
  char scientific[40];
  const char* const begin = scientific;
  const char* const end =
      std::to_chars(scientific, scientific + sizeof scientific, number, std::chars_format::scientific).ptr;
  const char* const e = std::find(begin, end, 'e');
  int exponent = 0;
  std::from_chars(e[1] == '+' ? e + 2 : e + 1, end, exponent);
  const double size = std::fabs(number);
  if (size != 0 && (size < 1e-6 || size >= 1e21)) {
    out.append(begin, e + 2);
    append_int(out, std::abs(exponent));
    return;
  }
  char digits[20];
  size_t count = 0;
  for (const char* at = begin; at != e; ++at) {
    if (*at >= '0' && *at <= '9') digits[count++] = *at;
  }
  if (std::signbit(number)) out += '-';
  if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out.append(digits, count);
    return;
  }
  const size_t whole = static_cast<size_t>(exponent) + 1;
  if (count <= whole) {
    out.append(digits, count);
    out.append(whole - count, '0');
  } else {
    out.append(digits, whole);
    out += '.';
    out.append(digits + whole, count - whole);
  }
}

void append_base64(std::string& out, View bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t three = 0;
    for (size_t j = 0; j < 3; ++j) three = three << 8 | (j < left ? static_cast<unsigned char>(bytes[i + j]) : 0);
    out += kAlphabet[three >> 18];
    out += kAlphabet[three >> 12 & 63];
    out += left > 1 ? kAlphabet[three >> 6 & 63] : '=';
    out += left > 2 ? kAlphabet[three & 63] : '=';
  }
}

void append_json(std::string& out, View text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t done = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
    const bool separator = byte == 0xE2 && i + 2 < text.size() && text[i + 1] == '\x80' &&
                           (text[i + 2] == '\xA8' || text[i + 2] == '\xA9');
    if (byte >= 0x20 && byte != '"' && byte != '\\' && !separator) continue;
    out += text.substr(done, i - done);
    if (separator) {
      out += text[i + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (byte == '"' || byte == '\\') {
      out += '\\';
      out += text[i];
    } else if (const char* known = std::strchr("\bb\ff\nn\rr\tt", text[i]); byte != 0 && known != nullptr) {
      out += '\\';
      out += known[1];
    } else {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
    done = i + 1;
  }
  out += text.substr(done);
  out += '"';
}

}  // namespace lognotary
