// Protobuf's wire format, read from untrusted bytes.
//
// This parser refuses exactly what the official parser (upb) refuses; the parity tests compare the two.
// Source: protobuf.dev/programming-guides/encoding, and upb for what the guide leaves open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lognotary {

using View = std::string_view;

enum class Refusal {
  kBroken,          // invalid or truncated protobuf
  kNotUtf8,         // a string is not UTF-8
  kTooDeep,         // messages are nested too deeply
  kTooManyRecords,  // too many records, or they repeat too much of their resources and scopes
  kTooManyMembers,  // too many attributes in one list
  kUnread,          // part of a message would not be kept
  kTooManyDisclosed,  // too many values would be replaced by commitments
};

// Exception for a request that is refused. server/codec/limits.py has the messages.
struct Refused {
  Refusal why = Refusal::kBroken;
};

constexpr int kMaxDepth = 100;  // messages within messages, protobuf's own limit
constexpr size_t kMaxMembers = 1 << 16;  // of a list of attributes: each costs more memory than it was sent with

enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kStartGroup = 3, kEndGroup = 4, kFixed32 = 5 };

// A field's number and wire type, for switches over fields. A known number with another wire type is unknown.
constexpr uint32_t tag(uint32_t number, WireType type) { return number << 3 | type; }

// Returns the remaining depth for a message within a message that has `depth` left.
inline int enter(int depth) {
  if (depth <= 0) throw Refused{Refusal::kTooDeep};
  return depth - 1;
}

// Where reading stands after a varint.
struct Varint {
  uint64_t value;
  const char* next;
};

// The functions that are seldom called take and return positions by value: the compiler then keeps those
// of a Reader in registers.
Varint read_long_varint(const char* at, const char* end);

inline Varint read_varint(const char* at, const char* end) {
  if (at != end && static_cast<unsigned char>(*at) < 0x80) {
    return {static_cast<unsigned char>(*at), at + 1};
  }
  return read_long_varint(at, end);
}

// Tags and sizes are 32 bits, and may not take more bytes than those need; other varints may.
constexpr ptrdiff_t kLongestShortVarint = 5;

inline Varint read_tag(const char* at, const char* end) {
  const Varint tag = read_varint(at, end);
  if (tag.next - at > kLongestShortVarint || tag.value > UINT32_MAX) throw Refused{};
  return tag;
}

inline Varint read_size(const char* at, const char* end) {
  const Varint size = read_varint(at, end);
  if (size.next - at > kLongestShortVarint) throw Refused{};
  return size;
}

template <typename T>
T read_fixed(const char* at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {  // little-endian on every machine; compiles to one load
    value |= static_cast<T>(static_cast<unsigned char>(at[i])) << 8 * i;
  }
  return value;
}

// Returns the end of a group whose first field is at `at`.
const char* skip_group(const char* at, const char* end, uint64_t number, int depth);

// Reads the fields of one message, in order. Never reads outside of it.
class Reader {
 public:
  Reader(View message, int depth) : at_(message.data()), end_(message.data() + message.size()), depth_(depth) {}

  // Reads the next field, whatever it is; false at the end. Groups are read over.
  [[gnu::always_inline]] bool next() {
    if (at_ == end_) return false;
    const Varint tag = read_tag(at_, end_);
    tag_ = static_cast<uint32_t>(tag.value);
    if (tag_ >> 3 == 0) throw Refused{};
    at_ = tag.next;
    switch (tag_ & 7) {
      case kDelimited: {
        const Varint size = read_size(at_, end_);
        take(size.next, size.value);
        return true;
      }
      case kVarint: {
        const Varint varint = read_varint(at_, end_);
        number_ = varint.value;
        at_ = varint.next;
        return true;
      }
      case kFixed64:
        take(at_, sizeof(uint64_t));
        number_ = read_fixed<uint64_t>(bytes_.data());
        return true;
      case kFixed32:
        take(at_, sizeof(uint32_t));
        number_ = read_fixed<uint32_t>(bytes_.data());
        return true;
      case kStartGroup:
        at_ = skip_group(at_, end_, tag_ >> 3, depth_);
        return true;
      default:  // the end of a group that was not begun, or a wire type that does not exist
        throw Refused{};
    }
  }

  uint32_t tag() const { return tag_; }
  uint64_t number() const { return number_; }  // of a varint, fixed32 or fixed64
  View bytes() const { return bytes_; }        // of a delimited field

 private:
  void take(const char* start, uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - start)) throw Refused{};
    bytes_ = View(start, size);
    at_ = start + size;
  }

  const char* at_;
  const char* end_;
  int depth_;
  uint32_t tag_ = 0;
  uint64_t number_ = 0;
  View bytes_;
};

template <typename T>
T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

// Compares texts that are mostly short, and mostly the same.
inline bool same(View a, View b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size > 16 || size < 4) return a == b;
  if (size >= 8) {
    return load<uint64_t>(a.data()) == load<uint64_t>(b.data()) &&
           load<uint64_t>(a.data() + size - 8) == load<uint64_t>(b.data() + size - 8);
  }
  return load<uint32_t>(a.data()) == load<uint32_t>(b.data()) &&
         load<uint32_t>(a.data() + size - 4) == load<uint32_t>(b.data() + size - 4);
}

inline bool is_ascii(View text) {
  constexpr uint64_t kHighBits = 0x8080808080808080U;
  const char* at = text.data();
  const size_t size = text.size();
  if (size >= 8) {
    uint64_t bits = load<uint64_t>(at + size - 8);  // the last eight; the first ones overlap them
    for (const char* const last = at + size - 8; at < last; at += 8) bits |= load<uint64_t>(at);
    return (bits & kHighBits) == 0;
  }
  if (size >= 4) return ((load<uint32_t>(at) | load<uint32_t>(at + size - 4)) & kHighBits) == 0;
  return size == 0 || ((at[0] | at[size / 2] | at[size - 1]) & 0x80) == 0;
}

// Tells whether bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8_beyond_ascii(View text);

inline bool is_utf8(View text) { return is_ascii(text) || is_utf8_beyond_ascii(text); }

// Returns the bytes of a proto3 string field.
inline View text(View bytes) {
  if (!is_utf8(bytes)) throw Refused{Refusal::kNotUtf8};
  return bytes;
}

}  // namespace lognotary
