#include "classifier.hpp"

#include <algorithm>

namespace lognotary {
namespace {

bool begins_with(View text, View beginning) { return text.substr(0, beginning.size()) == beginning; }

bool ends_with(View text, View end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads a whole number of up to 18 digits.
bool read_number(View text, int64_t& number) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  number = 0;
  for (const char c : text) number = number * 10 + (c - '0');
  if (negative) number = -number;
  return true;
}

}  // namespace

Classifier::Classifier(const Rules& rules)
    : rules_(rules),
      resource_(rules),
      scope_(rules),
      record_(rules),
      body_(rules),
      held_(rules.conditions()),
      searched_(rules.extracts()) {}

void Classifier::begin_resource(View service_name, const std::vector<Member>& members,
                                const std::vector<Repeated>& repeated) {
  service_name_ = service_name;
  fill(resource_.slots, members, repeated);
  resource_arena_.clear();
  resource_.begin(resource_arena_);
  of_resource_ = MatchSet(rules_.matches().size());
  for (size_t number = 0; number < rules_.matches().size(); ++number) {
    if (holds(rules_.matches()[number].of_resource)) of_resource_.add(number);
  }
}

void Classifier::begin_scope(View scope_name, const std::vector<Member>& members,
                             const std::vector<Repeated>& repeated) {
  scope_name_ = scope_name;
  fill(scope_.slots, members, repeated);
  scope_arena_.clear();
  scope_.begin(scope_arena_);
  of_scope_ = MatchSet(rules_.matches().size());
  of_resource_.find([&](size_t number) {
    if (holds(rules_.matches()[number].of_scope)) of_scope_.add(number);
    return false;
  });
}

uint64_t Classifier::bytes_read() const {
  return resource_.lookup.bytes_read() + scope_.lookup.bytes_read() + record_.lookup.bytes_read() +
         body_.lookup.bytes_read();
}

void Classifier::fill(Slots<Anchor>& slots, const std::vector<Member>& members,
                      const std::vector<Repeated>& repeated) const {
  slots.clear();
  const auto set = [&](View key, View text) {
    if (const uint32_t slot = rules_.slot(key); slot != Rules::kNoSlot) slots.set(slot, {{RawValue::kPlain, text}});
  };
  for (const Member& member : members) set(member.key, member.text);
  for (const Repeated& one : repeated) set(one.key, one.values.back());
}

void Classifier::begin_request() {
  for (KnownLayout& layout : layouts_) layout.number = 0;
}

void Classifier::begin_record(const AttributeLists& attributes, Arena& arena) {
  attributes_ = &attributes;
  record_.begin(arena);
  record_is_filled_ = false;
  known_ = nullptr;
  const Layout* const layout = attributes.layout();
  if (layout == nullptr) return;
  KnownLayout& known = layouts_[layout->number % layouts_.size()];
  known_ = &known;
  if (known.number == layout->number) return;
  known.number = layout->number;
  known.slots.clear();
  for (const Member& member : attributes.members()) known.slots.push_back(rules_.slot(member.key));
  fill_record();
  known.possible = possible_of_filled();
}

// Fills the slots of the record, which only takes its time if some match needs them.
void Classifier::fill_record() {
  if (record_is_filled_) return;
  record_is_filled_ = true;
  const std::vector<Member>& members = attributes_->members();
  if (known_ == nullptr) {
    fill(record_.slots, members, attributes_->repeated());
    return;
  }
  record_.slots.clear();
  for (size_t i = 0; i < members.size(); ++i) {
    if (known_->slots[i] != Rules::kNoSlot) record_.slots.set(known_->slots[i], {{RawValue::kPlain, members[i].text}});
  }
}

// Returns the matches that the keys of the record admit, and those that need none of them.
const MatchSet& Classifier::possible_of_keys() {
  if (known_ != nullptr) return known_->possible;
  fill_record();
  possible_ = possible_of_filled();
  return possible_;
}

MatchSet Classifier::possible_of_filled() const {
  MatchSet possible = rules_.without_anchor();
  const Anchors& of_log = rules_.log_anchors();
  for (const uint32_t slot : record_.slots.filled()) {
    if (of_log.has_some[slot]) possible.add_all(of_log.of_slot[slot]);
  }
  return possible;
}

Verdict Classifier::classify(const Facts& facts, const AttributeLists& attributes, Arena& arena, AuditFields& fields,
                             View& events) {
  begin_record(attributes, arena);
  begin_body(facts, arena);
  const Rule* const rule = find_candidates(of_scope_) ? first_match(false, &events) : nullptr;
  if (rule == nullptr) {
    const bool may_have_events = !rules_.matches().empty() && (body_shape_ == Shape::kList || body_is_several());
    return may_have_events && Objects(facts.body).next(arena) ? Verdict::kObjects : Verdict::kOperational;
  }
  if (rule->splits) return Verdict::kEvents;
  extract(*rule, fields);
  return Verdict::kAudit;
}

void Classifier::begin_body(const Facts& facts, Arena& arena) {
  facts_ = facts;
  arena_ = &arena;
  body_.begin(arena);
  body_anchor_ = {{RawValue::kPlain, facts.body}};
  body_is_read_ = body_is_several_ = body_is_whole_ = false;
  body_shape_ = shape_of(facts.body);
}

void Classifier::begin_events() {
  const size_t count = rules_.matches().size();
  MatchSet possible = possible_of_keys();
  possible.add_all(rules_.event_names());
  possible.add_all(rules_.text_anchors().all());
  possible.add_all(rules_.body_anchors().all);
  possible.add_all(rules_.pairs_anchors().all);
  possible.keep_all(of_scope_);
  fill_record();
  of_record_ = MatchSet(count);
  possible.find([&](size_t number) {
    if (holds_for_record(rules_.matches()[number])) of_record_.add(number);
    return false;
  });
}

bool Classifier::is_list_of_events(const Facts& facts, Arena& arena, View& events) {
  begin_body(facts, arena);
  if (!find_candidates(of_record_) || !candidates_.has_any_of(rules_.splitting())) return false;
  const Rule* const rule = first_match(true, &events);
  return rule != nullptr && rule->splits;
}

bool Classifier::classify_event(const Facts& facts, Arena& arena, AuditFields& fields) {
  begin_body(facts, arena);
  const Rule* const rule = find_candidates(of_record_) ? first_match(true, nullptr) : nullptr;
  if (rule == nullptr || rule->splits) return false;
  extract(*rule, fields);
  return true;
}

// Returns the first rule of which a candidate holds, null if there is none; of a rule for lists of events, fills in the
// list.
const Rule* Classifier::first_match(bool is_event, View* events) {
  const Rule* found = nullptr;
  const Rule* without = nullptr;  // a rule whose `unless` holds
  candidates_.find([&](size_t number) {
    const Match& match = rules_.matches()[number];
    const Rule& rule = rules_.rules()[match.rule];
    if (&rule == without || (!is_event && !holds_for_record(match)) || !holds(match.of_body)) return false;
    if (std::any_of(rule.unless.begin(), rule.unless.end(), [&](const Match& one) { return holds_for_all(one); })) {
      without = &rule;
      return false;
    }
    View list;
    if (rule.splits && !find_list(rule.split, events != nullptr ? *events : list)) return false;
    if (rule.splits && events != nullptr) event_member_ = rule.split_member;
    found = &rule;
    return true;
  });
  return found;
}

// Finds the matches that may hold; returns false if there are none, else fills the slots of the record.
bool Classifier::find_candidates(const MatchSet& among) {
  const TextAnchors& of_text = rules_.text_anchors();
  const uint8_t sets = of_text.sets_in(facts_.body);
  candidates_ = possible_of_keys();
  if (!facts_.event_name.empty()) candidates_.add_all(rules_.event_names());
  const bool has_pairs = body_shape_ == Shape::kPairs && (sets & TextAnchors::kEquals) != 0;
  const Anchors& of_body = has_pairs ? rules_.pairs_anchors() : rules_.body_anchors();
  if ((has_pairs || body_shape_ == Shape::kObject) && of_body.all.has_any_of(among)) {
    read_body();
    for (const uint32_t slot : body_.slots.filled()) {
      if (of_body.has_some[slot]) candidates_.add_all(of_body.of_slot[slot]);
    }
  }
  of_text.find(facts_.body, sets, among, candidates_);
  candidates_.keep_all(among);
  if (!candidates_.any()) return false;
  fill_record();
  return true;
}

bool Classifier::holds_for_record(const Match& match) {
  return facts_.severity_number >= match.severity_min && holds(match.of_record);
}

bool Classifier::holds_for_all(const Match& match) {
  return holds_for_record(match) && holds(match.of_resource) && holds(match.of_scope) && holds(match.of_body);
}

bool Classifier::holds(const std::vector<Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& one) { return holds(one); });
}

bool Classifier::holds(const Condition& condition) {
  const Level& level = level_of(condition.source.place);
  if (&level == &body_) return holds_for(condition);
  Held& held = held_[condition.number];
  if (held.round != level.round) held = {level.round, holds_for(condition)};
  return held.holds;
}

bool Classifier::holds_for(const Condition& condition) {
  View found;
  return value(condition.source, found) && std::any_of(condition.tests.begin(), condition.tests.end(),
                                                       [&](const Test& test) { return passes(test, found); });
}

bool Classifier::passes(const Test& test, View value) {
  switch (test.kind) {
    case Test::kExact:
      return value == test.text;
    case Test::kPrefix:
      return begins_with(value, test.text);
    case Test::kSuffix:
      return ends_with(value, test.text);
    case Test::kContains:
      return value.find(test.text) != View::npos;
    case Test::kAny:
      return true;
    case Test::kRange: {
      int64_t number;
      return read_number(value, number) && test.low <= number && number <= test.high;
    }
    case Test::kRegex:
      found_.resize(test.regex->groups());
      return test.regex->search(cut(value, test.regex->most_bytes()), found_.data(), regex_scratch_);
    case Test::kAllOf:
      return std::all_of(test.all.begin(), test.all.end(), [&](const Test& one) { return passes(one, value); });
  }
  return false;
}

}  // namespace lognotary
