// Audit rules, compiled for many records. server/codec/audit/rules.py is the definition of what they are.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "byte_sets.hpp"
#include "paths.hpp"
#include "regex.hpp"
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
  kLog, kResource, kScope, kBody, kPairs, kEventName, kScopeName, kServiceName, kSeverityText, kGroup, kText
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
  enum Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kAny, kRange, kRegex, kAllOf };
  Kind kind;
  std::string text;
  int64_t low = 0, high = 0;
  std::unique_ptr<Regex> regex;
  std::vector<Test> all;
};

struct Condition {
  size_t number;  // among those of all rules
  Source source;
  std::vector<Test> tests;
};

struct Match {
  unsigned severity_min;
  std::vector<Condition> of_resource;  // on the resource and the service
  std::vector<Condition> of_scope;
  std::vector<Condition> of_record;  // on what events have in common with the record that is a list of them
  std::vector<Condition> of_body;
  uint32_t rule = 0;             // its rule's number
};

// A set of the matches of all rules, by their numbers in the order of the rules.
class MatchSet {
 public:
  explicit MatchSet(size_t matches = 0) : words_((matches + 63) / 64, 0) {}

  void add(size_t match) { words_[match >> 6] |= uint64_t{1} << (match & 63); }
  void add_all(const MatchSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  void keep_all(const MatchSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  bool has(size_t match) const { return (words_[match >> 6] >> (match & 63) & 1) != 0; }
  bool any() const {
    return std::any_of(words_.begin(), words_.end(), [](uint64_t word) { return word != 0; });
  }
  bool has_any_of(const MatchSet& other) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      if ((words_[i] & other.words_[i]) != 0) return true;
    }
    return false;
  }

  // Calls `use` with each match, in order, until it returns true.
  template <typename Use>
  void find(Use use) const {
    for (size_t i = 0; i < words_.size(); ++i) {
      for (uint64_t left = words_[i]; left != 0; left &= left - 1) {
        if (use(64 * i + static_cast<size_t>(__builtin_ctzll(left)))) return;
      }
    }
  }

 private:
  std::vector<uint64_t> words_;
};

// The matches that can only hold if a certain key is there, by the slot of the key. A record is only looked at with
// those that its keys bring up, and with those that need no key.
struct Anchors {
  std::vector<MatchSet> of_slot;  // empty sets where there are none
  std::vector<bool> has_some;
  MatchSet all;
};

// The matches that can only hold if a certain byte is in the body. Most bodies have none of these bytes, and to look for
// all of them at once costs much less than to try a match.
class TextAnchors {
 public:
  explicit TextAnchors(size_t matches = 0);

  // Adds a match by one of its conditions on the whole body; returns false if there is no such condition. The match must
  // live as long as this does.
  bool add(const Match& match, size_t number);

  const MatchSet& all() const { return all_; }

  // The sets of bytes that a body has, of which `kEquals` is one.
  uint8_t sets_in(View body) const { return sets_.in(body); }
  static constexpr uint8_t kEquals = 1;

  // Adds the matches that may hold for a body to `candidates`, as far as they are among others.
  void find(View body, uint8_t sets, const MatchSet& among, MatchSet& candidates) const;

 private:
  struct Anchor {
    char byte;
    uint8_t set;
    MatchSet matches;
    std::vector<std::pair<size_t, const Test*>> tests;  // of the matches
  };

  Anchor& of_byte(char byte);

  std::vector<Anchor> anchors_;
  ByteSets sets_;
  MatchSet all_;
  size_t matches_;
};

struct Extract {
  size_t number;  // among those of all rules
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
  std::vector<Match> unless;
  size_t groups;
  std::vector<Extract> extracts;
  std::array<std::vector<Template>, kFields> fields;
  std::array<std::vector<StoredValue>, kFields> values;
  std::unordered_set<std::string> absent;
  bool splits = false;
  Source split;              // the list of events in the body; the whole body has no path
  std::string split_member;  // the member of its elements that is an event; empty if they are events themselves
};

class Rules {
 public:
  // Takes what server/codec/audit/program.py makes. Throws std::invalid_argument if it is something else.
  explicit Rules(View program);

  const Words& words() const { return words_; }
  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<Match>& matches() const { return matches_; }  // of all rules, in order
  const Anchors& log_anchors() const { return log_anchors_; }
  const Anchors& body_anchors() const { return body_anchors_; }
  const Anchors& pairs_anchors() const { return pairs_anchors_; }
  const TextAnchors& text_anchors() const { return text_anchors_; }
  const MatchSet& event_names() const { return event_names_; }  // the matches that only hold if there is an event name
  const MatchSet& without_anchor() const { return without_anchor_; }
  const MatchSet& splitting() const { return splitting_; }  // the matches of rules for lists of events
  size_t conditions() const { return conditions_; }  // of all rules
  size_t extracts() const { return extracts_; }      // of all rules
  const WantedPaths& paths() const { return paths_; }  // within attributes, bodies and groups
  const std::string& digest() const { return digest_; }
  uint32_t event_name_slot() const { return event_name_slot_; }

  // Attributes and bodies have the same slots for the same keys.
  static constexpr uint32_t kNoSlot = Keys::kUnknown;
  size_t slots() const { return slots_.size(); }
  uint32_t slot(View key) const { return slots_.find(key); }  // kNoSlot if no rule asks for it

 private:
  void read(View program);
  void add_starts(Source& source);
  void add_starts(Match& match);
  void anchor_matches();

  Words words_;
  std::string digest_;
  std::vector<Rule> rules_;
  std::vector<Match> matches_;
  Anchors log_anchors_, body_anchors_, pairs_anchors_;
  TextAnchors text_anchors_;
  MatchSet event_names_, without_anchor_, splitting_;
  size_t conditions_ = 0, extracts_ = 0;
  Keys slots_;
  WantedPaths paths_;
  uint32_t event_name_slot_ = 0;
};

}  // namespace lognotary
