#include "wire.hpp"

namespace lognotary {

Varint read_long_varint(const char* at, const char* end) {
  uint64_t value = 0;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at == end) throw Refused{};
    const uint64_t byte = static_cast<unsigned char>(*at++);
    value |= (byte & 0x7F) << shift;  // what is beyond 64 bits is lost, as in upb
    if (byte < 0x80) return {value, at};
  }
  throw Refused{};
}

const char* skip_group(const char* at, const char* end, uint64_t number, int depth) {
  // As upb: too many groups are broken wire format, and field 0 is nothing to be checked in there.
  if (depth-- <= 0) throw Refused{};
  while (at != end) {
    const Varint tag = read_tag(at, end);
    at = tag.next;
    switch (tag.value & 7) {
      case kVarint:
        at = read_varint(at, end).next;
        continue;
      case kStartGroup:
        at = skip_group(at, end, tag.value >> 3, depth);
        continue;
      case kEndGroup:
        if (tag.value >> 3 != number) throw Refused{};
        return at;
      default:
        break;
    }
    uint64_t size = 8;
    if ((tag.value & 7) == kFixed32) size = 4;
    if ((tag.value & 7) == kDelimited) {
      const Varint length = read_size(at, end);
      size = length.value;
      at = length.next;
    } else if ((tag.value & 7) > kFixed32) {
      throw Refused{};
    }
    if (size > static_cast<uint64_t>(end - at)) throw Refused{};
    at += size;
  }
  throw Refused{};
}

bool is_utf8_beyond_ascii(View text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const auto first = static_cast<unsigned char>(*at);
    if (first < 0x80) {
      ++at;
      continue;
    }
    const int size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || end - at < size) return false;
    const auto second = static_cast<unsigned char>(at[1]);
    const unsigned char lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (second < lowest || second > highest) return false;
    for (int i = 2; i < size; ++i) {
      if ((static_cast<unsigned char>(at[i]) & 0xC0) != 0x80) return false;
    }
    at += size;
  }
  return true;
}

}  // namespace lognotary
