#include "address.hpp"

#include <algorithm>

namespace lognotary {
namespace {

constexpr size_t kMostBytes = 64;  // _MOST_ADDRESS in classify.py

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_address_character(char c) { return is_hex(c) || c == ':' || c == '.'; }

// Returns the length of an IPv4 address at the beginning of a text, 0 if there is none.
size_t ipv4_length(View text) {
  size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (at == text.size() || text[at] != '.') return 0;
      ++at;
    }
    const size_t begin = at;
    while (at < text.size() && at - begin < 3 && is_digit(text[at])) ++at;
    if (at == begin) return 0;
  }
  return at;
}

// Tells whether a text is a port with its colon, or nothing.
bool is_port_or_nothing(View text) {
  if (text.empty()) return true;
  return text.size() > 1 && text.front() == ':' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

}  // namespace

View address_of(View text) {
  View first = text.substr(0, text.find(','));
  while (!first.empty() && first.front() == ' ') first.remove_prefix(1);
  while (!first.empty() && first.back() == ' ') first.remove_suffix(1);
  if (first.empty() || first.size() > kMostBytes) return text;
  if (first.front() == '[') {
    const size_t end = first.find(']');
    if (end == View::npos || end == 1) return text;
    const View inner = first.substr(1, end - 1);
    const bool is_address = std::all_of(inner.begin(), inner.end(), is_address_character);
    return is_address && is_port_or_nothing(first.substr(end + 1)) ? inner : text;
  }
  const size_t length = ipv4_length(first);
  if (length > 0 && is_port_or_nothing(first.substr(length))) return first.substr(0, length);
  const bool is_ipv6 =
      first.find(':') != View::npos && std::all_of(first.begin(), first.end(), is_address_character);
  return is_ipv6 ? first : text;
}

}  // namespace lognotary
