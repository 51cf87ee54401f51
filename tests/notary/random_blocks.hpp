// Blocks of the Native format, and their rows: for the target of test_hashing_sanitized.py.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "blocks.hpp"

namespace lognotary_test {

using lognotary::Kind;
using lognotary::View;

constexpr uint64_t kFirst = 5;
constexpr uint64_t kLeaves = 8;

constexpr Kind kWord = 253, kPlainMap = 252;  // in blocks: LowCardinality(String), and Map(String, String)

inline bool is_map(Kind kind) { return kind == lognotary::kMap || kind == kPlainMap; }

// Returns what a column is in rows.
inline Kind in_rows(Kind kind) { return kind == kWord ? lognotary::kString : is_map(kind) ? lognotary::kMap : kind; }

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t end) { return engine_() % end; }
  bool rarely() { return below(8) == 0; }

 private:
  std::mt19937_64 engine_;
};

inline void put_length(std::string& out, uint64_t length) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(length | 0x80);
  out += static_cast<char>(length);
}

inline std::string string_of(const std::string& text) {
  std::string encoded;
  put_length(encoded, text.size());
  return encoded + text;
}

inline void put_number(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Returns a copy of the exact size, so that whatever is read outside of the bytes is outside of the allocation.
inline std::unique_ptr<char[]> copy_of(View bytes) {
  std::unique_ptr<char[]> copy(new char[bytes.size()]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

inline std::string any_text(Random& random) {
  return std::string(random.rarely() ? random.below(1000) : random.below(20), "xX5"[random.below(3)]);
}

// Values as rows have them, one for each.
using Values = std::vector<std::string>;

inline std::string words_of(const Values& values) {
  if (values.empty()) return "";
  std::string out, keys, indexes;
  std::vector<std::string> dictionary;
  for (const auto& value : values) {
    size_t index = 0;
    while (index < dictionary.size() && dictionary[index] != value) ++index;
    if (index == dictionary.size()) {
      dictionary.push_back(value);
      keys += value;
    }
    indexes += static_cast<char>(index);
  }
  put_number(out, 1 << 9);
  put_number(out, dictionary.size());
  out += keys;
  put_number(out, values.size());
  return out + indexes;
}

// Draws the values of a kind; returns the data of a column with them, without what stands before it.
inline std::string data_of(Kind kind, size_t count, Random& random, Values& values) {
  std::string data;
  Values keys, texts;
  uint64_t end = 0;
  for (size_t number = 0; number < count; ++number) {
    if (is_map(kind)) {
      const uint64_t pairs = random.below(4);
      put_number(data, end += pairs);
      std::string value;
      put_length(value, pairs);
      for (uint64_t left = pairs; left > 0; --left) {
        keys.push_back(string_of(any_text(random)));
        texts.push_back(string_of(any_text(random)));
        value += keys.back() + texts.back();
      }
      values.push_back(value);
    } else if (kind == kWord || kind == lognotary::kString) {
      values.push_back(string_of(any_text(random)));
    } else {
      values.push_back(std::string(kind, static_cast<char>(random.below(256))));
    }
  }
  if (kind == kWord) return words_of(values);
  if (is_map(kind)) {
    if (kind == lognotary::kMap) data += words_of(keys);
    if (kind == kPlainMap) {
      for (const auto& key : keys) data += key;
    }
    for (const auto& text : texts) data += text;
    return data;
  }
  for (const auto& value : values) data += value;
  return data;
}

inline const char* type_of(Kind kind) {
  switch (kind) {
    case lognotary::kString:
      return "String";
    case kWord:
      return "LowCardinality(String)";
    case lognotary::kMap:
      return "Map(LowCardinality(String), String)";
    case kPlainMap:
      return "Map(String, String)";
    case 8:
      return "DateTime64(9, 'UTC')";
    case 4:
      return "UInt32";
    default:
      return "UInt8";
  }
}

struct Column {
  bool is_array;
  Kind kind;
};

// Appends the columns before the record; draws their values.
inline void put_head(size_t count, Random& random, std::string& data, std::vector<Values>& all) {
  Values ids, leaves, right;
  for (size_t row = 0; row < count; ++row) {
    ids.push_back(std::string(16, static_cast<char>(random.below(2))));
    leaves.emplace_back();
    put_number(leaves.back(), random.below(32) == 0 ? random.below(1 << 20) : kFirst + random.below(kLeaves));
    right.push_back(std::string(1, static_cast<char>(!random.rarely())));
  }
  const char* const types[] = {"UUID", "UInt64", "UInt8"};
  for (const auto* values : {&ids, &leaves, &right}) {
    data += string_of("name") + string_of(types[all.size()]);
    for (const auto& value : *values) data += value;
    all.push_back(*values);
  }
}

// Appends a block of records with some columns, and its rows.
inline void put_block(const std::vector<Column>& columns, Random& random, std::string& data, Values& rows) {
  const size_t count = random.below(5);
  put_length(data, 3 + columns.size());
  put_length(data, count);
  std::vector<Values> all;
  put_head(count, random, data, all);
  for (const auto& [is_array, kind] : columns) {
    const std::string type = type_of(kind);
    data += string_of("name") + string_of(is_array ? "Array(" + type + ")" : type);
    Values values;
    if (count > 0) {
      if (kind == kWord || kind == lognotary::kMap) put_number(data, 1);
      if (is_array) {
        std::vector<uint64_t> sizes;
        uint64_t end = 0;
        for (size_t row = 0; row < count; ++row) {
          sizes.push_back(random.below(3));
          put_number(data, end += sizes.back());
        }
        Values elements;
        data += data_of(kind, end, random, elements);
        auto element = elements.begin();
        for (const uint64_t size : sizes) {
          std::string value;
          put_length(value, size);
          for (uint64_t left = size; left > 0; --left) value += *element++;
          values.push_back(value);
        }
      } else {
        data += data_of(kind, count, random, values);
      }
    }
    all.push_back(values);
  }
  for (size_t row = 0; row < count; ++row) {
    rows.emplace_back();
    for (const auto& values : all) rows.back() += values[row];
  }
}

}  // namespace lognotary_test
