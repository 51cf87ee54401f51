// What libFuzzer, or standalone.cpp, calls: the compiled codec over bytes that anybody may have sent.
//
// Memory errors are the sanitizers' to find. This finds tables that do not add up, and an encoder that
// makes something else of a request because of the requests before it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "binding.hpp"

namespace {

using lognotary::Buffer;
using lognotary::Dictionary;
using lognotary::Encoder;
using lognotary::Rules;
using lognotary::Table;
using lognotary::View;

constexpr int64_t kNow = 1'800'000'000'000'000'000;
constexpr lognotary::Limits kLimits{500, 256 << 10};  // within reach of small requests

// The requests before this one, oldest first: what an encoder that goes wrong may go wrong because of.
std::deque<std::string> earlier;
constexpr size_t kEarlier = 8;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "\n== codec_target: %s ==\n", what.c_str());
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

void check(bool holds, const char* what, const char* stream, size_t column) {
  if (!holds) fail(std::string(stream) + ", column " + std::to_string(column) + ": " + what);
}

// Every kind of condition and of source. Keys are short: the fuzzer finds them sooner.
Rules make_rules() {
  Rules rules(lognotary::Words{
      {{"success", "success"}, {"ok", "success"}, {"", "unknown"}},
      {"admin", "auth"},
      {{"log", "auth"}, {"grant", "admin"}},
      {{"user", "admin"}, {"host", "system"}},
  });
  const auto match = [&](const char* event_name, const char* scope, const char* service, int severity_min,
                         std::initializer_list<std::pair<const char*, const char*>> attributes) {
    rules.add_match(event_name, scope, service, severity_min);
    for (const auto& [key, pattern] : attributes) rules.add_attribute(key, pattern);
  };
  rules.add_rule("attributes");
  match("", "", "", 0, {{"audit", "*"}});
  match("", "", "", 0, {{"a", "x*"}, {"b", ""}});
  match("", "", "", 200, {{"a", "*"}});
  for (int field = 0; field < lognotary::kFields; ++field) {
    rules.add_source(field, "log:a");
    rules.add_source(field, "resource:a");
    rules.add_source(field, "scope:a");
    rules.add_source(field, "body");
  }
  rules.add_rule("texts");
  match("audit.*", "", "", 0, {});
  match("e", "", "", 0, {});
  match("", "scope*", "svc", 0, {});
  match("", "*", "*", 17, {});
  rules.add_source(lognotary::kActionField, "event_name");
  rules.add_source(lognotary::kActionField, "log:event.name");
  rules.add_source(lognotary::kActorIdField, "scope_name");
  rules.add_source(lognotary::kActorTypeField, "=user");
  rules.add_source(lognotary::kTargetIdField, "service_name");
  rules.add_source(lognotary::kTargetTypeField, "log:b");
  rules.add_source(lognotary::kOutcomeField, "log:code");
  rules.add_source(lognotary::kOutcomeField, "=200");
  rules.add_source(lognotary::kCategoryField, "body");
  // More attributes than there are bits in a mask.
  rules.add_rule("many");
  for (int i = 0; i < 70; ++i) match("", "", "", 0, {{("k" + std::to_string(i)).c_str(), "v"}});
  return rules;
}

const Rules& rules() {
  static const Rules made = make_rules();
  return made;
}

// Tells whether `data` is exactly `count` Strings.
bool are_strings(View data, uint64_t count) {
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

uint32_t number_at(const Buffer& buffer, uint64_t place) {
  return lognotary::load<uint32_t>(buffer.data() + place * sizeof(uint32_t));
}

bool are_indexes(const Buffer& indexes, uint64_t count, size_t words) {
  if (indexes.size() != count * sizeof(uint32_t)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (number_at(indexes, i) >= words) return false;
  }
  return true;
}

bool are_distinct(const Dictionary& dictionary) {
  std::unordered_map<View, uint32_t> seen;
  for (uint32_t i = 0; i < dictionary.size(); ++i) {
    if (!seen.emplace(dictionary[i], i).second) return false;
  }
  return true;
}

size_t width_of(size_t column) {  // 0: Strings
  switch (column) {
    case lognotary::kTimestamp:
    case lognotary::kObservedTimestamp:
    case lognotary::kIngestedAt:
      return 8;
    case lognotary::kFlags:
    case lognotary::kDroppedAttributesCount:
      return 4;
    case lognotary::kTraceFlags:
    case lognotary::kSeverityNumber:
      return 1;
    default:
      return 0;
  }
}

void check_table(const Table& table, const char* stream, size_t plain, size_t words) {
  const uint64_t count = table.count;
  for (size_t i = 0; i < lognotary::kPlainColumns; ++i) {
    const uint64_t rows = i < plain ? count : 0;  // the operational table has no audit columns
    const View data = table.plain[i].view();
    if (const size_t width = width_of(i); width != 0) {
      check(data.size() == rows * width, "plain: a wrong number of bytes", stream, i);
    } else {
      check(are_strings(data, rows), "plain: not one String a row", stream, i);
    }
  }
  for (size_t i = 0; i < lognotary::kWordColumns; ++i) {
    const auto& column = table.words[i];
    check(are_indexes(column.indexes, i < words ? count : 0, column.dictionary.size()), "word: indexes", stream, i);
    check(are_distinct(column.dictionary), "word: a text twice in the dictionary", stream, i);
  }
  for (size_t i = 0; i < lognotary::kMapColumns; ++i) {
    const auto& column = table.maps[i];
    check(column.lengths.size() == count * sizeof(uint32_t), "map: not one length a row", stream, i);
    uint64_t pairs = 0;
    for (uint64_t row = 0; row < count; ++row) pairs += number_at(column.lengths, row);
    check(are_indexes(column.keys.indexes, pairs, column.keys.dictionary.size()), "map: indexes of keys", stream, i);
    check(are_distinct(column.keys.dictionary), "map: a key twice in the dictionary", stream, i);
    check(are_strings(column.values.view(), pairs), "map: not one String a pair", stream, i);
  }
  check(count == 0 || (table.min_timestamp >= 0 && table.min_timestamp <= table.max_timestamp), "times", stream, 0);
  if (lognotary::kHasSha256) {
    check(table.leaf_hashes.size() == count * lognotary::kHashSize, "not 32 bytes of hash a row", stream, 0);
    check(table.records.size() == 0 && table.record_ends.size() == 0, "records that are hashed already", stream, 0);
    return;
  }
  check(table.leaf_hashes.size() == 0, "hashes without libcrypto", stream, 0);
  check(table.record_ends.size() == count * sizeof(uint64_t), "not one end a record", stream, 0);
  uint64_t last = 0;
  for (uint64_t row = 0; row < count; ++row) {
    const auto end = lognotary::load<uint64_t>(table.record_ends.data() + row * sizeof(uint64_t));
    check(end > last, "ends of records that do not rise", stream, row);
    last = end;
  }
  check(last == table.records.size(), "records end elsewhere than their bytes", stream, 0);
}

bool same(const Buffer& a, const Buffer& b) { return a.view() == b.view(); }

bool same(const Dictionary& a, const Dictionary& b) {
  if (a.size() != b.size()) return false;
  for (uint32_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

void check_same(const Table& a, const Table& b, const char* stream) {
  check(a.count == b.count && a.min_timestamp == b.min_timestamp && a.max_timestamp == b.max_timestamp,
        "count or times depend on earlier requests", stream, 0);
  for (size_t i = 0; i < lognotary::kPlainColumns; ++i) {
    check(same(a.plain[i], b.plain[i]), "plain: depends on earlier requests", stream, i);
  }
  for (size_t i = 0; i < lognotary::kWordColumns; ++i) {
    check(same(a.words[i].dictionary, b.words[i].dictionary) && same(a.words[i].indexes, b.words[i].indexes),
          "word: depends on earlier requests", stream, i);
  }
  for (size_t i = 0; i < lognotary::kMapColumns; ++i) {
    check(same(a.maps[i].lengths, b.maps[i].lengths) && same(a.maps[i].values, b.maps[i].values) &&
              same(a.maps[i].keys.dictionary, b.maps[i].keys.dictionary) &&
              same(a.maps[i].keys.indexes, b.maps[i].keys.indexes),
          "map: depends on earlier requests", stream, i);
  }
  check(same(a.leaf_hashes, b.leaf_hashes) && same(a.records, b.records) && same(a.record_ends, b.record_ends),
        "hashes depend on earlier requests", stream, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // One encoder for all requests, as the server keeps them. (Another process may encode other requests.)
  static Encoder kept(rules(), kLimits);

  // Of the exact size, so that whatever is read outside of the request is outside of the block.
  const std::unique_ptr<char[]> block(new char[size]);
  if (size > 0) std::memcpy(block.get(), data, size);
  const View request(block.get(), size);

  lognotary::Unread unread;
  const int outcome = lognotary::encode(kept, request, kNow, unread);
  Encoder fresh(rules(), kLimits);
  if (lognotary::encode(fresh, request, kNow, unread) != outcome) fail("whether it is refused depends on earlier requests");
  if (outcome == 0) {
    check_table(kept.audit(), "audit", lognotary::kPlainColumns, lognotary::kWordColumns);
    check_table(kept.operational(), "operational", lognotary::kPlainColumnsOperational,
                lognotary::kWordColumnsOperational);
    check_same(kept.audit(), fresh.audit(), "audit");
    check_same(kept.operational(), fresh.operational(), "operational");
  }

  if (earlier.size() == kEarlier) earlier.pop_front();
  earlier.emplace_back(request);
  return 0;
}
