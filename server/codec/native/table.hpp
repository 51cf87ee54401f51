// The rows of one stream under construction: columns in ClickHouse's Native format.
#pragma once

#include <limits>
#include <vector>

#include "buffer.hpp"
#include "redaction_rules.hpp"

namespace lognotary {

// Distinct texts, numbered from 0 in order of first appearance. Keeps copies.
class Dictionary {
 public:
  uint32_t add(View text) {
    if (!words_.empty() && words_[last_] == text) return last_;  // neighbours are often alike
    if (2 * (words_.size() + 1) > slots_.size()) rehash();
    const uint64_t hash = hash_of(text);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at] != kFree; at = (at + 1) & (slots_.size() - 1)) {
      if (hashes_[slots_[at]] == hash && words_[slots_[at]] == text) return last_ = slots_[at];
    }
    last_ = static_cast<uint32_t>(words_.size());
    slots_[at] = last_;
    hashes_.push_back(hash);
    words_.push_back(arena_.keep(text));
    return last_;
  }

  View operator[](uint32_t number) const { return words_[number]; }
  size_t size() const { return words_.size(); }

  // Returns the bytes that are kept after `clear`.
  size_t capacity() const {
    return slots_.capacity() * sizeof(uint32_t) + words_.capacity() * (sizeof(View) + sizeof(uint64_t));
  }

  void clear() {
    slots_.clear();
    hashes_.clear();
    words_.clear();
    arena_.clear();
    last_ = 0;
  }

 private:
  static constexpr uint32_t kFree = std::numeric_limits<uint32_t>::max();

  // Multiplies and folds eight bytes at a time (after wyhash, public domain), from a start that senders
  // cannot know: nobody can send texts that all meet in one slot.
  static uint64_t hash_of(View text);

  void rehash() {
    slots_.assign(std::max<size_t>(16, 2 * slots_.size()), kFree);
    for (uint32_t number = 0; number < words_.size(); ++number) {
      size_t at = hashes_[number] & (slots_.size() - 1);
      while (slots_[at] != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = number;
    }
  }

  std::vector<uint32_t> slots_;
  std::vector<uint64_t> hashes_;
  std::vector<View> words_;
  uint32_t last_ = 0;
  Arena arena_;
};

struct WordColumn {
  Dictionary dictionary;
  Buffer indexes;  // 32 bits a row

  void put(View word) { indexes.put(dictionary.add(word)); }
  void put_all(const std::vector<uint32_t>& numbers) {
    indexes.append(View(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(uint32_t)));
  }
  size_t capacity() const { return dictionary.capacity() + indexes.capacity(); }

  void clear() {
    dictionary.clear();
    indexes.clear();
  }
};

struct MapColumn {
  Buffer lengths;  // 32 bits a row
  WordColumn keys;
  Buffer values;

  size_t capacity() const { return lengths.capacity() + keys.capacity() + values.capacity(); }

  void clear() {
    lengths.clear();
    keys.clear();
    values.clear();
  }
};

// Columns by kind, each kind in the order of the canonical record (server/notary/canonical_columns.py). The elements of
// an array column are a column of their kind. The first ones are those of every stream.
enum SharedPlain { kScopeName, kTimestamp, kTraceId, kSpanId, kSharedPlain };
enum SharedWord {
  kTenant, kSender, kServiceName, kResourceSchemaUrl, kScopeSchemaUrl, kScopeVersion, kSharedWords
};
enum SharedMap { kResourceAttributes, kScopeAttributes, kSharedMaps };

namespace log_columns {
enum Plain {
  kTraceFlags = kSharedPlain, kSeverityNumber, kBody, kEventName, kObservedTimestamp, kFlags, kDroppedAttributesCount,
  kIngestedAt, kRedactions,
  kAuditRecordId, kActorId, kActorName, kEffectiveActorId, kSessionId, kTargetId, kSourceId, kSourceHost, kDescription,
  kPlainColumns
};
enum Word {
  kSeverityText = kSharedWords, kOtlpDetails,
  kActorType, kAction, kTargetType, kSourceType, kOutcome, kCategory, kAuditRule, kWordColumns
};
enum Map { kLogAttributes = kSharedMaps, kMapColumns };
constexpr int kPlainColumnsOperational = kAuditRecordId, kWordColumnsOperational = kActorType;
}  // namespace log_columns

namespace span_columns {
enum Plain {
  kParentSpanId = kSharedPlain, kTraceState, kDuration, kStatusMessage,
  kEventTimestamps, kLinkTraceIds, kLinkSpanIds, kLinkTraceStates,
  kFlags, kDroppedAttributesCount, kDroppedEventsCount, kDroppedLinksCount, kIngestedAt, kRedactions, kPlainColumns
};
enum Word { kSpanName = kSharedWords, kSpanKind, kStatusCode, kEventNames, kOtlpDetails, kWordColumns };
enum Map { kSpanAttributes = kSharedMaps, kEventAttributes, kLinkAttributes, kMapColumns };
enum Array { kEvents, kLinks, kArrays };  // several columns have the same lengths
}  // namespace span_columns

constexpr int kMostPlain = log_columns::kPlainColumns, kMostWords = log_columns::kWordColumns,
              kMostMaps = span_columns::kMapColumns, kMostArrays = span_columns::kArrays;
static_assert(span_columns::kPlainColumns <= kMostPlain && span_columns::kWordColumns <= kMostWords);

// Numbers of what rows share with their neighbours, in the dictionaries of one table.
struct SharedNumbers {
  uint64_t source = 0;  // of which resource and scope they are, 0: of none
  uint32_t tenant, sender, service_name, resource_schema_url, scope_schema_url, scope_version;
  std::vector<uint32_t> resource_keys, scope_keys;
};

struct Table {
  bool hashed = true;  // whether the leaf hashes of its rows are wanted
  uint64_t count = 0;
  int64_t min_timestamp = std::numeric_limits<int64_t>::max();
  int64_t max_timestamp = std::numeric_limits<int64_t>::min();
  Buffer plain[kMostPlain];
  WordColumn words[kMostWords];
  MapColumn maps[kMostMaps];
  Buffer lengths[kMostArrays];  // of arrays, 32 bits a row
  Buffer leaf_hashes;  // 32 bytes a row; without libcrypto empty, and instead:
  Buffer records;      // the canonical records,
  Buffer record_ends;  // and where each ends, 64 bits
  SharedNumbers shared;
  std::array<uint64_t, kRedactionRules> redacted{};  // secrets that each rule has replaced
  // Of audit records, if values are disclosed: the numbers of the disclosures that are each row's own (not its scope's
  // or resource's), one row after the other, and where each row ends.
  std::vector<uint32_t> disclosed, disclosed_ends;

  // Counts a row.
  void add(int64_t timestamp) {
    ++count;
    min_timestamp = std::min(min_timestamp, timestamp);
    max_timestamp = std::max(max_timestamp, timestamp);
  }

  void clear();
  size_t capacity() const;
};

}  // namespace lognotary
