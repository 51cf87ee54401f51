// Classification of one record after another: the same as server/codec/audit/classify.py.
#pragma once

#include "attributes.hpp"
#include "rules.hpp"

namespace lognotary {

// Returns the beginning of a text, MOST_BYTES of classify.py, cut between characters.
View cut(View text);

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

// kEvents: a list of events by a rule. kObjects: a body of several JSON objects, which may be events.
enum class Verdict { kOperational, kAudit, kEvents, kObjects };

class Classifier {
 public:
  explicit Classifier(const Rules& rules);

  // Attributes are given in their stored order, and repeated keys with their values as they were sent.
  void begin_resource(View service_name, const std::vector<Member>& members, const std::vector<Repeated>& repeated);
  void begin_scope(View scope_name, const std::vector<Member>& members, const std::vector<Repeated>& repeated);

  // For records whose layout is known: `slots` are those of the members, in their stored order.
  Slots<View>& log_slots() { return log_; }
  void fill_log_slots(const std::vector<Member>& members, const std::vector<Repeated>& repeated);

  // Fills in the audit fields of an audit record, or the list of a record that is a list of events. What is filled in
  // points into the facts, the arena and the rules.
  Verdict classify(const Facts& facts, Arena& arena, AuditFields& fields, View& events);

  // For the events in the record that was classified last: `begin_events` once, then with the facts of each, and an arena
  // of its own, whether it is an audit record. `is_list_of_events` fills in the list of an event that is one itself.
  void begin_events();
  bool is_list_of_events(const Facts& facts, Arena& arena, View& events);
  bool classify_event(const Facts& facts, Arena& arena, AuditFields& fields);

 private:
  void fill(Slots<View>& slots, const std::vector<Member>& members, const std::vector<Repeated>& repeated) const;
  // What a regular expression found in a value that several records have in common.
  struct Searched {
    uint64_t round = 0;  // of the scope or record in which it was searched
    bool found = false;
    std::vector<View> groups;
  };
  using SearchedOnes = std::vector<Searched>;

  void find_candidates(const MatchSet& among);
  const Rule* first_match(bool is_event, View* events);
  const Searched& searched(const Extract& extract);
  const Searched& searched_once(const Extract& extract, Searched& into, uint64_t round, Arena* arena);
  void search(const Extract& extract, Searched& into);
  void begin_body(const Facts& facts, Arena& arena);
  void read_body();
  bool body_is_several();
  bool body_is_cut();

  bool holds(const std::vector<Condition>& conditions);
  bool holds_for_record(const Match& match);
  bool holds_for_all(const Match& match);
  bool passes(const Test& test, View value);
  bool value(const Source& source, View& value);
  bool attribute(const Slots<View>& slots, const Source& source, View& value);
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

  const Rules& rules_;
  Slots<View> log_, scope_, resource_;
  Slots<RawValue> body_;
  bool body_is_read_ = false;
  bool body_is_several_ = false;  // JSON objects one after the other: then no path leads into the body
  bool body_is_whole_ = false;  // a JSON object up to its end
  Shape body_shape_ = Shape::kList;
  View service_name_, scope_name_;
  // The matches whose conditions on the resource hold, on the scope too, and on the record too: for its events.
  MatchSet of_resource_, of_scope_, of_record_;
  MatchSet candidates_;  // those that the keys of the record admit
  SearchedOnes in_scope_, in_record_;
  Searched in_body_found_;
  uint64_t scope_round_ = 0, record_round_ = 0;
  Arena scope_arena_;
  Arena* record_arena_ = nullptr;
  Facts facts_{};
  Arena* arena_ = nullptr;
  std::vector<View> groups_, found_;
  RegexScratch regex_scratch_;
  std::string scratch_;
};

}  // namespace lognotary
