// Classification of one record after another: the same as server/codec/audit/classify.py.
#pragma once

#include "attributes.hpp"
#include "lookup.hpp"
#include "rules.hpp"

namespace lognotary {

constexpr size_t kMostBytes = 8192;  // MOST_BYTES in classify.py

// Returns the beginning of a text, cut between characters.
View cut(View text, size_t most = kMostBytes);

// What rules look at, besides attributes.
struct Facts {
  View event_name;
  View severity_text;
  unsigned severity_number;
  View body;
};

struct AuditFields {
  std::array<View, kFields> values;
  View rule;
};

// A value that is there from the start, and its node in a Lookup once somebody looks into it.
struct Anchor {
  RawValue value;
  uint32_t node = Lookup::kNone;
};

// kEvents: a list of events by a rule. kObjects: a body of several JSON objects, which may be events.
enum class Verdict { kOperational, kAudit, kEvents, kObjects };

class Classifier {
 public:
  explicit Classifier(const Rules& rules);

  // Attributes are given in their stored order, and repeated keys with their values as they were sent.
  void begin_resource(View service_name, const std::vector<Member>& members, const std::vector<Repeated>& repeated);
  void begin_scope(View scope_name, const std::vector<Member>& members, const std::vector<Repeated>& repeated);

  // Begins a request: layouts of others mean nothing in it.
  void begin_request();

  // Classifies the record with some attributes, which must live until the next one is.
  // Fills in the audit fields of an audit record, or the list of a record that is a list of events. What is filled in
  // points into the facts, the arena and the rules.
  Verdict classify(const Facts& facts, const AttributeLists& attributes, Arena& arena, AuditFields& fields,
                   View& events);

  // For the events in the record that was classified last: `begin_events` once, then with the facts of each, and an arena
  // of its own, whether it is an audit record. `is_list_of_events` fills in the list of an event that is one itself.
  void begin_events();
  bool is_list_of_events(const Facts& facts, Arena& arena, View& events);
  bool classify_event(const Facts& facts, Arena& arena, AuditFields& fields);

  // Returns the member of the elements of the list found last that is an event; empty if they are events themselves.
  View event_member() const { return event_member_; }

  // Returns the bytes of all objects, lists and pairs that were read so far, of each as often as it was read.
  uint64_t bytes_read() const;

 private:
  // A resource, a scope, a record, or a body: an event has a body of its own, but is of the record that is a list of
  // events. What was found out about each holds for all that it has.
  struct Level {
    explicit Level(const Rules& rules) : slots(rules.slots()), lookup(rules.paths()) {}
    void begin(Arena& arena) {
      ++round;
      lookup.clear(arena);
    }

    uint64_t round = 0;
    Slots<Anchor> slots;
    Lookup lookup;
  };

  // Whether a condition holds, and what a regular expression found, in a round of their level.
  struct Held {
    uint64_t round = 0;
    bool holds = false;
  };
  struct Searched {
    uint64_t round = 0;
    bool found = false;
    std::vector<Anchor> groups;
  };
  struct Group {
    Anchor* anchor = nullptr;
    Level* level = nullptr;
  };

  // The category of an action: events repeat them.
  struct KnownCategory {
    std::string action, target_type;
    View category;  // of the known words
  };
  static constexpr size_t kCategories = 64, kLongestKnown = 64;

  // What follows from the keys of a layout: their slots, in their stored order, and the matches that they admit.
  struct KnownLayout {
    uint64_t number = 0;
    std::vector<uint32_t> slots;
    MatchSet possible;
  };

  Level& level_of(Place place);
  void fill(Slots<Anchor>& slots, const std::vector<Member>& members, const std::vector<Repeated>& repeated) const;

  void begin_record(const AttributeLists& attributes, Arena& arena);
  void fill_record();
  const MatchSet& possible_of_keys();
  MatchSet possible_of_filled() const;
  void begin_body(const Facts& facts, Arena& arena);
  bool find_candidates(const MatchSet& among);
  const Rule* first_match(bool is_event, View* events);
  bool find_list(const Source& source, View& list);
  Searched& searched(const Extract& extract);
  void read_body();
  bool body_is_several();
  bool body_is_cut();

  bool holds(const std::vector<Condition>& conditions);
  bool holds(const Condition& condition);
  bool holds_for(const Condition& condition);
  bool holds_for_record(const Match& match);
  bool holds_for_all(const Match& match);
  bool passes(const Test& test, View value);
  bool value(const Source& source, View& value);
  bool in_anchor(Level& level, Anchor& anchor, const Path& path, size_t from, View& value, bool pairs_too = false);
  bool attribute(Level& level, const Source& source, View& value);
  bool in_body(const Source& source, View& value);

  void extract(const Rule& rule, AuditFields& fields);
  void search_groups(const Rule& rule);
  View part(const Rule& rule, const Source& source);
  View value(const Rule& rule, const Template& parts);
  template <typename Use>
  View first(const Rule& rule, Field field, Use use);
  View stored(const Rule& rule, Field field, View value);
  View text(const Rule& rule, Field field);
  View actor_type(const Rule& rule);
  View outcome(const Rule& rule);
  View category(const Rule& rule, View action, View target_type);
  View category_of_words(View action, View target_type);

  const Rules& rules_;
  Level resource_, scope_, record_, body_;
  const AttributeLists* attributes_ = nullptr;  // of the record
  const KnownLayout* known_ = nullptr;          // null if the layout of the record is not known
  bool record_is_filled_ = false;
  std::array<KnownLayout, Layouts::kRemembered> layouts_;
  Anchor body_anchor_;
  bool body_is_read_ = false;
  bool body_is_several_ = false;  // JSON objects one after the other: then no path leads into the body
  bool body_is_whole_ = false;  // a JSON object up to its end
  Shape body_shape_ = Shape::kList;
  View service_name_, scope_name_, event_member_;
  // The matches whose conditions on the resource hold, on the scope too, and on the record too: for its events.
  MatchSet of_resource_, of_scope_, of_record_;
  MatchSet possible_;    // those that the keys of a record without a known layout admit
  MatchSet candidates_;  // those that the record admits
  std::vector<Held> held_;         // by the numbers of conditions
  std::vector<Searched> searched_;  // by the numbers of regular expressions
  Arena resource_arena_, scope_arena_;
  Facts facts_{};
  Arena* arena_ = nullptr;
  std::vector<Group> groups_;
  std::vector<View> found_;
  RegexScratch regex_scratch_;
  std::string scratch_;
  std::array<KnownCategory, kCategories> categories_;
};

}  // namespace lognotary
