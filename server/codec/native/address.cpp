#include "address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace lognotary {
namespace {

constexpr size_t kMostBytes = 64;  // _MOST_ADDRESS in addresses.py

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

bool is_unknown(View text) {
  constexpr View kUnknown = "unknown";
  return text.size() == kUnknown.size() &&
         std::equal(text.begin(), text.end(), kUnknown.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

// Returns the part of a text that is an address, without its port; empty if the text is none.
View address_in(View text) {
  if (text.empty() || text.size() > kMostBytes) return View();
  if (text.front() == '[') {
    const size_t end = text.find(']');
    if (end == View::npos || end == 1) return View();
    const View inner = text.substr(1, end - 1);
    const bool is_address = std::all_of(inner.begin(), inner.end(), is_address_character);
    return is_address && is_port_or_nothing(text.substr(end + 1)) ? inner : View();
  }
  const size_t length = ipv4_length(text);
  if (length > 0 && is_port_or_nothing(text.substr(length))) return text.substr(0, length);
  const bool is_ipv6 = text.find(':') != View::npos && std::all_of(text.begin(), text.end(), is_address_character);
  return is_ipv6 ? text : View();
}

// Writes an IPv6 address as RFC 5952 does, in lower case and with :: for the longest zeros, or an IPv4 address that is
// mapped to IPv6. What is none is returned unchanged.
View canonical(View address, Arena& arena) {
  unsigned char bytes[16];
  if (address.find(':') == View::npos || inet_pton(AF_INET6, std::string(address).c_str(), bytes) != 1) return address;
  char text[48];
  static constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped, kMapped + 12, bytes)) {
    const int size = std::snprintf(text, sizeof text, "%d.%d.%d.%d", bytes[12], bytes[13], bytes[14], bytes[15]);
    return arena.keep(View(text, static_cast<size_t>(size)));
  }
  unsigned groups[8];
  for (size_t i = 0; i < 8; ++i) groups[i] = static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  size_t zeros = 8, longest = 1;
  for (size_t i = 0; i < 8; ++i) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > longest) {
      zeros = i;
      longest = end - i;
    }
  }
  std::string written;
  for (size_t i = 0; i < 8; ++i) {
    if (i == zeros) {
      written += "::";
      i += longest - 1;
      continue;
    }
    if (!written.empty() && written.back() != ':') written += ':';
    const int size = std::snprintf(text, sizeof text, "%x", groups[i]);
    written.append(text, static_cast<size_t>(size));
  }
  return arena.keep(written);
}

}  // namespace

View address_of(View text, Arena& arena) {
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    View first = text.substr(at, comma - at);
    while (!first.empty() && first.front() == ' ') first.remove_prefix(1);
    while (!first.empty() && first.back() == ' ') first.remove_suffix(1);
    if (!is_unknown(first)) {
      const View address = address_in(first);
      return address.empty() ? text : canonical(address, arena);
    }
    at = comma + 1;
  }
  return text;
}

}  // namespace lognotary
