// Checks of what the compiled codec makes, which the targets have in common.
//
// Memory errors are the sanitizers' to find. These find tables that do not add up, and an encoder that makes something
// else of a request because of the requests before it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "binding.hpp"

namespace lognotary::fuzz {

constexpr int64_t kNow = 1'800'000'000'000'000'000;
constexpr View kSeed("0123456789abcdef0123456789abcdef", 32);  // of the salts of commitments
constexpr Limits kLimits{500, 256 << 10};  // within reach of small requests

// A few words and prefixes, and all forms. Words are short: the fuzzer finds them sooner.
inline Redaction make_redaction() {
  // Rules side by side have different modes. Half of them make commitments, whose salts follow from their order.
  constexpr RedactionMode kModes[] = {RedactionMode::kDisclose, RedactionMode::kHash, RedactionMode::kDisclose,
                                      RedactionMode::kRemove};
  Redaction redaction("key");
  for (int rule = 0; rule < kRedactionRules; ++rule) redaction.add_rule("r" + std::to_string(rule), kModes[rule % 4]);
  redaction.add_word({"pw"}, kPasswordRule, true, false, false, true, false, false);
  redaction.add_word({"api", "key"}, kApiKeyRule, false, false, true, false, false, false);
  redaction.add_word({"tokens"}, kTokenRule, false, true, false, false, false, false);
  redaction.add_word({"ps"}, kPasswordRule, false, true, false, false, true, false);
  redaction.add_word({"sg"}, kTokenRule, false, false, false, false, true, true);
  redaction.add_word({"cookie"}, kCookieRule, false, false, true, false, false, false);
  redaction.add_not_secret("id");
  redaction.add_not_option("no");
  redaction.add_kept("keep");
  redaction.add_kept_words({"pw", "age"});
  redaction.add_scheme("bearer", false, false);
  redaction.add_scheme("digest", true, false);
  redaction.add_scheme("key", false, true);
  redaction.add_prefix("ghp_", 3, kGithubTokenRule, static_cast<int>(Characters::kLetters), 4, 0, true);
  redaction.add_prefix("xoxb-", 4, kSlackTokenRule, static_cast<int>(Characters::kName), 4, 0, false);
  redaction.add_prefix("AKIA", 2, kAwsKeyRule, static_cast<int>(Characters::kCapitals), 4, 4, false);
  return redaction;
}

inline const Redaction& redaction() {
  static const Redaction made = make_redaction();
  return made;
}

// The requests before this one, oldest first: what an encoder that goes wrong may go wrong because of.
inline std::deque<std::string> earlier;
constexpr size_t kEarlier = 8;

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "\n== target: %s ==\n", what.c_str());
  if (const char* folder = std::getenv("FUZZ_FAILURES"); folder != nullptr) {
    for (size_t i = 0; i < earlier.size(); ++i) {
      const std::string path = std::string(folder) + "/earlier-" + std::to_string(i);
      if (std::FILE* file = std::fopen(path.c_str(), "wb"); file != nullptr) {
        std::fwrite(earlier[i].data(), 1, earlier[i].size(), file);
        std::fclose(file);
      }
    }
  }
  std::abort();
}

// What the table of a stream holds.
struct Columns {
  const char* stream;
  ColumnCounts counts;
  std::map<int, size_t> widths;  // of plain columns, in bytes; all others hold Strings
  // Columns that hold the elements of arrays -> the number of the array. All others hold one value a row.
  std::map<int, int> plain_of_array, words_of_array, maps_of_array;
};

inline void check(bool holds, const char* what, const Columns& columns, uint64_t column) {
  if (!holds) fail(std::string(columns.stream) + ", column " + std::to_string(column) + ": " + what);
}

// Tells whether `data` is exactly `count` Strings.
inline bool are_strings(View data, uint64_t count) {
  size_t at = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t size = 0;
    for (int shift = 0;; shift += 7) {
      if (at == data.size() || shift > 56) return false;
      const auto byte = static_cast<unsigned char>(data[at++]);
      size |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    if (size > data.size() - at) return false;
    at += size;
  }
  return at == data.size();
}

inline uint32_t number_at(const Buffer& buffer, uint64_t place) {
  return load<uint32_t>(buffer.data() + place * sizeof(uint32_t));
}

inline bool are_indexes(const Buffer& indexes, uint64_t count, size_t words) {
  if (indexes.size() != count * sizeof(uint32_t)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (number_at(indexes, i) >= words) return false;
  }
  return true;
}

inline bool are_distinct(const Dictionary& dictionary) {
  std::unordered_map<View, uint32_t> seen;
  for (uint32_t i = 0; i < dictionary.size(); ++i) {
    if (!seen.emplace(dictionary[i], i).second) return false;
  }
  return true;
}

inline uint64_t sum_of(const Buffer& lengths) {
  uint64_t sum = 0;
  for (uint64_t row = 0; row < lengths.size() / sizeof(uint32_t); ++row) sum += number_at(lengths, row);
  return sum;
}

inline void check_hashes(const Table& table, const Columns& columns) {
  const uint64_t count = table.count;
  if (kHasSha256) {
    check(table.leaf_hashes.size() == count * kHashSize, "not 32 bytes of hash a row", columns, 0);
    check(table.records.size() == 0 && table.record_ends.size() == 0, "records that are hashed already", columns, 0);
    return;
  }
  check(table.leaf_hashes.size() == 0, "hashes without libcrypto", columns, 0);
  check(table.record_ends.size() == count * sizeof(uint64_t), "not one end a record", columns, 0);
  uint64_t last = 0;
  for (uint64_t row = 0; row < count; ++row) {
    const auto end = load<uint64_t>(table.record_ends.data() + row * sizeof(uint64_t));
    check(end > last, "ends of records that do not rise", columns, row);
    last = end;
  }
  check(last == table.records.size(), "records end elsewhere than their bytes", columns, 0);
}

inline void check_table(const Table& table, const Columns& columns) {
  for (int i = 0; i < kMostArrays; ++i) {
    const uint64_t rows = i < columns.counts.arrays ? table.count : 0;
    check(table.lengths[i].size() == rows * sizeof(uint32_t), "array: not one length a row", columns, i);
  }
  // Returns how many values a column has.
  const auto values_of = [&](int column, int counted, const std::map<int, int>& of_array) {
    if (column >= counted) return uint64_t{0};  // another stream has it
    const auto array = of_array.find(column);
    return array == of_array.end() ? table.count : sum_of(table.lengths[array->second]);
  };
  for (int i = 0; i < kMostPlain; ++i) {
    const uint64_t values = values_of(i, columns.counts.plain, columns.plain_of_array);
    const View data = table.plain[i].view();
    if (const auto width = columns.widths.find(i); width != columns.widths.end()) {
      check(data.size() == values * width->second, "plain: a wrong number of bytes", columns, i);
    } else {
      check(are_strings(data, values), "plain: a wrong number of Strings", columns, i);
    }
  }
  for (int i = 0; i < kMostWords; ++i) {
    const WordColumn& column = table.words[i];
    const uint64_t values = values_of(i, columns.counts.words, columns.words_of_array);
    check(are_indexes(column.indexes, values, column.dictionary.size()), "word: indexes", columns, i);
    check(are_distinct(column.dictionary), "word: a text twice in the dictionary", columns, i);
  }
  for (int i = 0; i < kMostMaps; ++i) {
    const MapColumn& column = table.maps[i];
    const uint64_t values = values_of(i, columns.counts.maps, columns.maps_of_array);
    check(column.lengths.size() == values * sizeof(uint32_t), "map: a wrong number of lengths", columns, i);
    const uint64_t pairs = sum_of(column.lengths);
    check(are_indexes(column.keys.indexes, pairs, column.keys.dictionary.size()), "map: indexes of keys", columns, i);
    check(are_distinct(column.keys.dictionary), "map: a key twice in the dictionary", columns, i);
    check(are_strings(column.values.view(), pairs), "map: not one String a pair", columns, i);
  }
  const bool ordered = table.min_timestamp >= 0 && table.min_timestamp <= table.max_timestamp;
  check(table.count == 0 || ordered, "times", columns, 0);
  check_hashes(table, columns);
}

inline bool same(const Buffer& a, const Buffer& b) { return a.view() == b.view(); }

inline bool same(const Dictionary& a, const Dictionary& b) {
  if (a.size() != b.size()) return false;
  for (uint32_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

inline void check_same(const Table& a, const Table& b, const Columns& columns) {
  check(a.count == b.count && a.min_timestamp == b.min_timestamp && a.max_timestamp == b.max_timestamp,
        "count or times depend on earlier requests", columns, 0);
  check(a.redacted == b.redacted, "redactions depend on earlier requests", columns, 0);
  for (int i = 0; i < kMostPlain; ++i) {
    check(same(a.plain[i], b.plain[i]), "plain: depends on earlier requests", columns, i);
  }
  for (int i = 0; i < kMostArrays; ++i) {
    check(same(a.lengths[i], b.lengths[i]), "array: depends on earlier requests", columns, i);
  }
  for (int i = 0; i < kMostWords; ++i) {
    check(same(a.words[i].dictionary, b.words[i].dictionary) && same(a.words[i].indexes, b.words[i].indexes),
          "word: depends on earlier requests", columns, i);
  }
  for (int i = 0; i < kMostMaps; ++i) {
    check(same(a.maps[i].lengths, b.maps[i].lengths) && same(a.maps[i].values, b.maps[i].values) &&
              same(a.maps[i].keys.dictionary, b.maps[i].keys.dictionary) &&
              same(a.maps[i].keys.indexes, b.maps[i].keys.indexes),
          "map: depends on earlier requests", columns, i);
  }
  check(same(a.leaf_hashes, b.leaf_hashes) && same(a.records, b.records) && same(a.record_ends, b.record_ends),
        "hashes depend on earlier requests", columns, 0);
}

// Encodes an input with an encoder that is kept, as the server keeps them, and with a fresh one, and calls `compare` if
// both accept it. (In the server, another process may encode other requests.)
template <typename Compare>
void encode_twice(const uint8_t* data, size_t size, Encoder& kept, Encoder& fresh, Compare compare) {
  // Of the exact size, so that whatever is read outside of the request is outside of the block.
  const std::unique_ptr<char[]> block(new char[size]);
  if (size > 0) std::memcpy(block.get(), data, size);
  const View request(block.get(), size);

  Unread unread;
  const int outcome = encode(kept, request, kNow, kSeed, unread);
  if (encode(fresh, request, kNow, kSeed, unread) != outcome) fail("whether it is refused depends on earlier requests");
  if (outcome == 0) compare();

  if (earlier.size() == kEarlier) earlier.pop_front();
  earlier.emplace_back(request);
}

}  // namespace lognotary::fuzz
