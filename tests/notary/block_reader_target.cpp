// The reader of Native blocks over blocks that are right, broken or anything, cut into pieces. Built with the sanitizers
// by test_hashing_sanitized.py: memory errors are theirs to find. This finds rows that are wrong, or depend on the cuts.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "blocks.hpp"

namespace {

using lognotary::BlockReader;
using lognotary::Kind;
using lognotary::View;

constexpr Kind kWord = 253, kPlainMap = 252;  // in blocks: LowCardinality(String), and Map(String, String)

bool is_map(Kind kind) { return kind == lognotary::kMap || kind == kPlainMap; }

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t below(uint64_t end) { return engine_() % end; }
  bool rarely() { return below(8) == 0; }

 private:
  std::mt19937_64 engine_;
};

void put_length(std::string& out, uint64_t length) {
  for (; length >= 0x80; length >>= 7) out += static_cast<char>(length | 0x80);
  out += static_cast<char>(length);
}

std::string string_of(const std::string& text) {
  std::string encoded;
  put_length(encoded, text.size());
  return encoded + text;
}

void put_number(std::string& out, uint64_t number) { out.append(reinterpret_cast<const char*>(&number), sizeof number); }

std::string any_text(Random& random) {
  return std::string(random.rarely() ? random.below(1000) : random.below(20), static_cast<char>('a' + random.below(3)));
}

// Values as rows have them, one for each.
using Values = std::vector<std::string>;

std::string words_of(const Values& values) {
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
std::string data_of(Kind kind, size_t count, Random& random, Values& values) {
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

const char* type_of(Kind kind) {
  switch (kind) {
    case lognotary::kString:
      return "String";
    case kWord:
      return "LowCardinality(String)";
    case lognotary::kMap:
      return "Map(LowCardinality(String), String)";
    case kPlainMap:
      return "Map(String, String)";
    case 16:
      return "UUID";
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

// Appends a block of some columns, and its rows.
void put_block(const std::vector<Column>& columns, Random& random, std::string& data, std::string& rows) {
  const size_t count = random.below(5);
  put_length(data, columns.size());
  put_length(data, count);
  std::vector<Values> all;
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
    for (const auto& values : all) rows += values[row];
  }
}

struct Result {
  std::string rows, error;
  bool operator==(const Result& other) const { return rows == other.rows && error == other.error; }
};

Result run(const std::string& kinds, View data, Random* cuts) {
  Result result;
  BlockReader reader(kinds, [&](View row, bool) { result.rows += row; });
  try {
    while (!data.empty()) {
      const size_t size = cuts == nullptr ? data.size() : 1 + cuts->below(data.size());
      // Of the exact size, so that whatever is read outside of the piece is outside of the allocation.
      const std::unique_ptr<char[]> piece(new char[size]);
      std::memcpy(piece.get(), data.data(), size);
      reader.feed(View(piece.get(), size));
      data.remove_prefix(size);
    }
    if (!reader.complete()) result.error = "ends within a block";
  } catch (const std::invalid_argument& error) {
    result.error = error.what();
  }
  return result;
}

}  // namespace

int main(int, char** arguments) {
  const long cases = std::atol(arguments[1]);
  long refused = 0;
  const Kind some[] = {1, 4, 8, 16, lognotary::kString, kWord, lognotary::kMap, kPlainMap};
  for (long number = 0; number < cases; ++number) {
    Random random(static_cast<uint64_t>(number));
    std::vector<Column> columns(1 + random.below(5));
    std::string kinds, data, rows;
    for (auto& [is_array, kind] : columns) {
      is_array = random.below(3) == 0;
      kind = some[random.below(8)];
      if (is_array) kinds += static_cast<char>(lognotary::kArray);
      kinds += static_cast<char>(kind == kWord ? lognotary::kString : is_map(kind) ? lognotary::kMap : kind);
    }
    for (uint64_t left = random.below(4); left > 0; --left) put_block(columns, random, data, rows);
    const Result right = run(kinds, data, &random);
    if (right.rows != rows || !right.error.empty()) {
      std::fprintf(stderr, "case %ld has wrong rows: %s\n", number, right.error.c_str());
      return 1;
    }
    for (uint64_t left = random.below(4); left > 0 && !data.empty(); --left) {
      data[random.below(data.size())] = static_cast<char>(random.below(256));
    }
    if (random.rarely() && !data.empty()) data.resize(random.below(data.size()));
    const Result whole = run(kinds, data, nullptr);
    refused += !whole.error.empty();
    for (int again = 0; again < 3; ++again) {
      if (run(kinds, data, &random) == whole) continue;
      std::fprintf(stderr, "case %ld depends on how it is cut\n", number);
      return 1;
    }
  }
  std::printf("%ld cases, %ld refused\n", cases, refused);
  return 0;
}
