// Audit rules, compiled for many records. server/codec/audit/rules.py is the definition of what they are.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "regex.hpp"
#include "texts.hpp"
#include "words.hpp"

namespace lognotary {

// The audit columns that a rule fills, in the order of server/codec/audit/rules.py's Fields.
enum Field : size_t {
  kRecordIdField, kActorIdField, kActorNameField, kActorTypeField, kEffectiveActorIdField, kSessionIdField,
  kActionField, kTargetIdField, kTargetTypeField, kSourceIdField, kSourceTypeField, kSourceHostField, kOutcomeField,
  kCategoryField, kDescriptionField, kFields
};

// In the order of server/codec/audit/rules.py's Place.
enum class Place : uint8_t {
  kLog, kResource, kScope, kBody, kEventName, kScopeName, kServiceName, kSeverityText, kGroup, kText
};

// Which of the first 128 slots have a value; slots beyond them are not in it.
struct SlotMask {
  std::array<uint64_t, 2> bits{};

  void add(uint32_t slot) {
    if (slot < 128) bits[slot >> 6] |= uint64_t{1} << (slot & 63);
  }
  bool has_all_of(const SlotMask& other) const {
    return (bits[0] & other.bits[0]) == other.bits[0] && (bits[1] & other.bits[1]) == other.bits[1];
  }
  bool has_any_of(const SlotMask& other) const {
    return ((bits[0] & other.bits[0]) | (bits[1] & other.bits[1])) != 0;
  }
};

// The values of the keys that rules read, each in the slot of its key in Rules.
template <typename T>
class Slots {
 public:
  explicit Slots(size_t size) : values_(size), rounds_(size, 0) {}

  void clear() {
    ++round_;
    mask_ = SlotMask();
  }

  void set(uint32_t slot, const T& value) {
    rounds_[slot] = round_;
    values_[slot] = value;
    mask_.add(slot);
  }

  const SlotMask& mask() const { return mask_; }
  bool has(uint32_t slot) const { return rounds_[slot] == round_; }
  const T& get(uint32_t slot) const { return values_[slot]; }

 private:
  std::vector<T> values_;
  std::vector<uint64_t> rounds_;
  uint64_t round_ = 1;
  SlotMask mask_;
};

// Where the path of a source can begin: the slot of a key, and the segment behind it.
struct Start {
  uint32_t slot;
  size_t count;
};

struct Source {
  Place place;
  bool has_path = false;
  Path path;
  std::vector<Start> starts;  // the longest key first
  std::string text;
  size_t group = 0;
};

using Template = std::vector<Source>;

struct Test {
  enum Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kAny, kRange, kRegex };
  Kind kind;
  std::string text;
  int64_t low = 0, high = 0;
  std::unique_ptr<Regex> regex;
};

struct Condition {
  Source source;
  std::vector<Test> tests;
};

// What has to be there for conditions on one kind of slots: each key of `all`, and one key of each of `any`.
struct Needs {
  SlotMask all;
  std::vector<SlotMask> any;

  void add(const std::vector<Start>& starts);
  bool are_met(const SlotMask& mask) const;
};

struct Match {
  unsigned severity_min;
  std::vector<Condition> outer;  // on the resource, the scope and the service
  std::vector<Condition> inner;  // on the record
  std::vector<Condition> body;   // on the body, after all others
  Needs log_needs, body_needs;
};

struct Extract {
  Source source;
  std::unique_ptr<Regex> regex;
  std::vector<size_t> groups;  // the rule's numbers of its groups
};

struct StoredValue {
  Test test;
  std::string stored;
};

struct Rule {
  std::string name;
  std::vector<Match> matches, unless;
  size_t groups;
  std::vector<Extract> extracts;
  std::array<std::vector<Template>, kFields> fields;
  std::array<std::vector<StoredValue>, kFields> values;
  std::unordered_set<std::string> absent;
  bool splits = false;
  Path split;
};

class Rules {
 public:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  // Takes what server/codec/audit/program.py makes. Throws std::invalid_argument if it is something else.
  explicit Rules(View program);

  const Words& words() const { return words_; }
  const std::vector<Rule>& rules() const { return rules_; }
  const std::string& digest() const { return digest_; }
  uint32_t event_name_slot() const { return event_name_slot_; }

  // Attributes and bodies have the same slots for the same keys.
  size_t slots() const { return slots_.size(); }
  uint32_t slot(View key) const;  // kNoSlot if no rule asks for it

 private:
  uint32_t add_slot(const std::string& key);
  void add_starts(Source& source);
  void add_needs(Match& match);

  Words words_;
  std::string digest_;
  std::vector<Rule> rules_;
  std::deque<std::string> keys_;
  std::unordered_map<View, uint32_t> slots_;  // keys are few and the operator's own
  uint32_t event_name_slot_ = 0;
};

}  // namespace lognotary
