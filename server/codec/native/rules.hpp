// Audit rules, compiled for many records: the same as server/codec/classify.py, without its dictionaries.
#pragma once

#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "value.hpp"

namespace lognotary {

// The audit columns of a record, in the order of server/codec/rules.py's Fields.
enum Field {
  kRecordIdField, kActorIdField, kActorTypeField, kActionField, kTargetIdField, kTargetTypeField, kSourceIdField,
  kSourceTypeField, kOutcomeField, kCategoryField, kFields
};

// The values of the attributes that rules read, each in the slot of its key in Rules.
class Slots {
 public:
  explicit Slots(size_t size) : values_(size), rounds_(size, 0) {}

  void clear() {
    ++round_;
    mask_ = 0;
  }

  // The first value of a duplicate key counts.
  void set(uint32_t slot, View value) {
    if (rounds_[slot] == round_) return;
    rounds_[slot] = round_;
    values_[slot] = value;
    mask_ |= bit(slot);
  }

  // Bit mask of the slots that are set; slots beyond the first 64 are not in it.
  uint64_t mask() const { return mask_; }
  static uint64_t bit(uint32_t slot) { return slot < 64 ? uint64_t{1} << slot : 0; }

  bool has(uint32_t slot) const { return rounds_[slot] == round_; }
  View get(uint32_t slot) const { return has(slot) ? values_[slot] : View(); }

 private:
  std::vector<View> values_;
  std::vector<uint64_t> rounds_;
  uint64_t round_ = 1;
  uint64_t mask_ = 0;
};

// What rules look at.
struct Facts {
  View event_name;
  View scope_name;
  View service_name;
  View body;
  unsigned severity_number;
  const Slots* log;
  const Slots* scope;
  const Slots* resource;
};

struct AuditFields {
  std::array<View, kFields> values;
  View rule;
};

// The words of server/codec/classify.py, in lower case and in its order.
struct Words {
  std::vector<std::pair<std::string, std::string>> outcomes;
  std::vector<std::string> categories;
  std::vector<std::pair<std::string, std::string>> category_of_action;  // how actions begin
  std::vector<std::pair<std::string, std::string>> category_of_target;
};

class Rules {
 public:
  static constexpr uint32_t kNoSlot = UINT32_MAX;

  explicit Rules(Words words);

  // Rules are put together in order: a rule, its matches each with attributes, its sources for each field.
  void add_rule(const std::string& name);
  void add_match(const std::string& event_name, const std::string& scope, const std::string& service, int severity_min);
  void add_attribute(const std::string& key, const std::string& pattern);
  void add_source(int field, const std::string& source);

  size_t slots() const { return slots_.size(); }

  // Returns where values of this attribute are expected, kNoSlot if no rule asks for it.
  uint32_t slot(View key) const;

  // Fills in the audit fields if the record is audit. They point into `facts` and `scratch`.
  bool classify(const Facts& facts, AuditFields& fields, std::string& scratch) const;

 private:
  struct Pattern {
    std::string text;
    bool prefix = false;  // "text*"
    bool any = false;     // "*"

    explicit Pattern(const std::string& pattern);
    bool fits(View value) const;
  };
  enum class Place { kLiteral, kLog, kResource, kScope, kEventName, kScopeName, kServiceName, kBody };
  struct Source {
    Place place;
    uint32_t slot;
    std::string text;
  };
  struct Match {
    Pattern event_name, scope, service;
    unsigned severity_min;
    uint64_t mask;  // of the attributes: a quick look that nearly always suffices
    std::vector<std::pair<uint32_t, Pattern>> attributes;
  };
  struct Rule {
    std::string name;
    std::vector<Match> matches;
    std::array<std::vector<Source>, kFields> sources;
  };

  uint32_t add_slot(const std::string& key);
  bool holds(const Match& match, const Facts& facts) const;
  static View first(const std::vector<Source>& sources, const Facts& facts);

  View outcome(View sent, std::string& scratch) const;
  View category(View sent, View action, View target_type, std::string& scratch) const;

  Words words_;
  std::vector<Rule> rules_;
  std::deque<std::string> keys_;
  std::unordered_map<View, uint32_t> slots_;  // keys are few and the operator's own
  uint32_t event_name_slot_;
};

}  // namespace lognotary
