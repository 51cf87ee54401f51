// Growing byte buffers, and an arena for texts.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <vector>

#include "wire.hpp"

namespace lognotary {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns and canonical records are little-endian");

constexpr size_t kLongestVarint = 10;

// Writes unsigned LEB128, as RowBinary and Native write lengths; returns its size.
inline size_t write_varint(char* to, uint64_t value) {
  size_t size = 0;
  for (; value >= 0x80; value >>= 7) to[size++] = static_cast<char>(value | 0x80);
  to[size++] = static_cast<char>(value);
  return size;
}

template <size_t N>
void copy_overlapping(char* to, View from) {
  char first[N], last[N];
  std::memcpy(first, from.data(), N);
  std::memcpy(last, from.data() + from.size() - N, N);
  std::memcpy(to, first, N);
  std::memcpy(to + from.size() - N, last, N);
}

// Copies bytes. Most copies are short: two overlapping fixed-size copies avoid a call.
inline void copy(char* to, View from) {
  const size_t size = from.size();
  if (size > 32) {
    std::memcpy(to, from.data(), size);
  } else if (size >= 16) {
    copy_overlapping<16>(to, from);
  } else if (size >= 8) {
    copy_overlapping<8>(to, from);
  } else if (size >= 4) {
    copy_overlapping<4>(to, from);
  } else if (size > 0) {
    to[0] = from[0];
    to[size / 2] = from[size / 2];
    to[size - 1] = from[size - 1];
  }
}

// Writes a String: its length and its bytes; returns its size.
inline size_t write_string(char* to, View text) {
  const size_t length = write_varint(to, text.size());
  copy(to + length, text);
  return length + text.size();
}

// Bytes that are only appended to. std::string would check, and fill with zeros, more than is needed here.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }
  View view() const { return View(data_, size_); }
  void clear() { size_ = 0; }

  void append(View bytes) {
    copy(room(bytes.size()), bytes);
    size_ += bytes.size();
  }

  template <typename T>
  void put(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    std::memcpy(room(sizeof(T)), &value, sizeof(T));
    size_ += sizeof(T);
  }

  void put_varint(uint64_t value) { size_ += write_varint(room(kLongestVarint), value); }

  void put_string(View text) { size_ += write_string(room(kLongestVarint + text.size()), text); }

  // Returns where `size` bytes more can be written; `grow` then counts them.
  char* room(size_t size) {
    if (capacity_ - size_ < size) reserve(size);
    return data_ + size_;
  }
  void grow(size_t size) { size_ += size; }

 private:
  [[gnu::noinline]] void reserve(size_t size) {
    const size_t capacity = std::max<size_t>(2 * capacity_, size_ + size + 64);
    void* data = std::realloc(data_, capacity);
    if (data == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(data);
    capacity_ = capacity;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Keeps texts that were made while decoding. What `keep` returned stays valid until `clear`.
class Arena {
 public:
  View keep(View text) {
    if (text.empty()) return View();
    char* at = room(text.size());
    std::memcpy(at, text.data(), text.size());
    used_ += text.size();
    return View(at, text.size());
  }

  // A list of texts that can be added to.
  std::vector<View>& open() { return lists_.emplace_back(); }

  void clear() {
    if (chunks_.size() > 1) chunks_.resize(1);
    if (!chunks_.empty()) capacity_ = kChunk;
    used_ = 0;
    lists_.clear();
  }

 private:
  static constexpr size_t kChunk = 16 << 10;

  char* room(size_t size) {
    if (chunks_.empty() || capacity_ - used_ < size) {
      // The first chunk is the one that `clear` keeps, so it has the usual size.
      if (chunks_.empty()) chunks_.push_back(std::make_unique<char[]>(kChunk));
      if (chunks_.size() > 1 || size > kChunk || used_ > 0) {
        capacity_ = std::max(kChunk, size);
        chunks_.push_back(std::make_unique<char[]>(capacity_));
      } else {
        capacity_ = kChunk;
      }
      used_ = 0;
    }
    return chunks_.back().get() + used_;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  std::deque<std::vector<View>> lists_;
  size_t used_ = 0;
  size_t capacity_ = 0;
};

}  // namespace lognotary
