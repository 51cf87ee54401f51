#include "classifier.hpp"

#include <algorithm>

namespace lognotary {
namespace {

constexpr size_t kMostFieldBytes = 8192;      // MOST_FIELD_BYTES in classify.py
constexpr size_t kMostSearchedBytes = 8192;  // MOST_SEARCHED_BYTES
constexpr size_t kMostAddressBytes = 64;
constexpr size_t kMostAbsentBytes = 64;

// The fields whose texts are stored as they are found.
constexpr Field kTextFields[] = {
    kRecordIdField, kActorIdField,    kActorNameField, kEffectiveActorIdField, kSessionIdField,  kActionField,
    kTargetIdField, kTargetTypeField, kSourceIdField,  kSourceTypeField,       kSourceHostField, kDescriptionField};

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

// Tells whether a text begins like a map, or a list of maps.
bool is_map(View text) {
  size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && View(" \t\r\n\v\f").find(text[at]) != View::npos) ++at;
  };
  if (at < text.size() && text[at] == '[') ++at;
  skip_space();
  if (at == text.size() || text[at] != '{') return false;
  ++at;
  skip_space();
  return at < text.size() && text[at] == '"';
}

View cut(View text) {
  if (text.size() <= kMostFieldBytes) return text;
  size_t size = kMostFieldBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool is_address_character(char c) { return is_hex(c) || c == ':' || c == '.'; }

// Returns the length of an IPv4 address at the beginning of a text, 0 if there is none.
size_t ipv4_length(View text) {
  size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (at == text.size() || text[at] != '.') return 0;
      ++at;
    }
    const size_t begin = at;
    while (at < text.size() && at - begin < 3 && is_digit(text[at])) ++at;
    if (at == begin) return 0;
  }
  return at;
}

// Tells whether a text is a port with its colon, or nothing.
bool is_port_or_nothing(View text) {
  if (text.empty()) return true;
  return text.size() > 1 && text.front() == ':' && std::all_of(text.begin() + 1, text.end(), is_digit);
}

// Returns the first address of a text without its port, or the text if it does not begin with an address.
View address_of(View text) {
  View first = text.substr(0, text.find(','));
  while (!first.empty() && first.front() == ' ') first.remove_prefix(1);
  while (!first.empty() && first.back() == ' ') first.remove_suffix(1);
  if (first.empty() || first.size() > kMostAddressBytes) return text;
  if (first.front() == '[') {
    const size_t end = first.find(']');
    if (end == View::npos || end == 1) return text;
    const View inner = first.substr(1, end - 1);
    const bool is_address = std::all_of(inner.begin(), inner.end(), is_address_character);
    return is_address && is_port_or_nothing(first.substr(end + 1)) ? inner : text;
  }
  const size_t length = ipv4_length(first);
  if (length > 0 && is_port_or_nothing(first.substr(length))) return first.substr(0, length);
  const bool is_ipv6 =
      first.find(':') != View::npos && std::all_of(first.begin(), first.end(), is_address_character);
  return is_ipv6 ? first : text;
}

}  // namespace

Classifier::Classifier(const Rules& rules)
    : rules_(rules), log_(rules.slots()), scope_(rules.slots()), resource_(rules.slots()), body_(rules.slots()) {}

void Classifier::begin_resource(View service_name, const std::vector<Member>& members,
                                const std::vector<Repeated>& repeated) {
  service_name_ = service_name;
  fill(resource_, members, repeated);
}

void Classifier::begin_scope(View scope_name, const std::vector<Member>& members,
                             const std::vector<Repeated>& repeated) {
  scope_name_ = scope_name;
  fill(scope_, members, repeated);
  Arena arena;
  arena_ = &arena;
  active_ = MatchSet(rules_.matches().size());
  for (size_t number = 0; number < rules_.matches().size(); ++number) {
    if (holds(rules_.matches()[number].outer)) active_.add(number);
  }
}

void Classifier::fill(Slots<View>& slots, const std::vector<Member>& members,
                      const std::vector<Repeated>& repeated) const {
  slots.clear();
  for (const Member& member : members) {
    if (const uint32_t slot = rules_.slot(member.key); slot != Rules::kNoSlot) slots.set(slot, member.text);
  }
  for (const Repeated& one : repeated) {
    if (const uint32_t slot = rules_.slot(one.key); slot != Rules::kNoSlot) slots.set(slot, one.values.back());
  }
}

void Classifier::fill_log_slots(const std::vector<Member>& members, const std::vector<Repeated>& repeated) {
  fill(log_, members, repeated);
}

Verdict Classifier::classify(const Facts& facts, Arena& arena, AuditFields& fields, View& events) {
  facts_ = &facts;
  arena_ = &arena;
  body_is_read_ = false;
  find_candidates();
  const Rule* without = nullptr;  // a rule whose `unless` holds
  Verdict verdict = Verdict::kOperational;
  candidates_.find([&](size_t number) {
    const Match& match = rules_.matches()[number];
    const Rule& rule = rules_.rules()[match.rule];
    if (&rule == without || !holds(match, false)) return false;
    if (std::any_of(rule.unless.begin(), rule.unless.end(), [&](const Match& one) { return holds(one, true); })) {
      without = &rule;
      return false;
    }
    if (!rule.splits) {
      extract(rule, fields);
      verdict = Verdict::kAudit;
    } else if (find_list(facts.body, rule.split, arena, events)) {
      verdict = Verdict::kEvents;
    }
    return verdict != Verdict::kOperational;
  });
  return verdict;
}

void Classifier::find_candidates() {
  const Anchors& of_log = rules_.log_anchors();
  const Anchors& of_body = rules_.body_anchors();
  candidates_ = rules_.without_anchor();
  for (const uint32_t slot : log_.filled()) {
    if (of_log.has_some[slot]) candidates_.add_all(of_log.of_slot[slot]);
  }
  if (!of_body.all.empty()) {
    read_body();
    for (const uint32_t slot : body_.filled()) {
      if (of_body.has_some[slot]) candidates_.add_all(of_body.of_slot[slot]);
    }
  }
  candidates_.keep_all(active_);
}

bool Classifier::holds(const Match& match, bool outer_too) {
  if (facts_->severity_number < match.severity_min) return false;
  if (outer_too && !holds(match.outer)) return false;
  return holds(match.inner) && holds(match.body);
}

bool Classifier::holds(const std::vector<Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    View found;
    return value(condition.source, found) &&
           std::any_of(condition.tests.begin(), condition.tests.end(),
                       [&](const Test& test) { return passes(test, found); });
  });
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
      return test.regex->search(value.substr(0, kMostSearchedBytes), found_.data(), regex_scratch_);
  }
  return false;
}

bool Classifier::value(const Source& source, View& value) {
  switch (source.place) {
    case Place::kLog:
      return attribute(log_, source, value);
    case Place::kResource:
      return attribute(resource_, source, value);
    case Place::kScope:
      return attribute(scope_, source, value);
    case Place::kBody:
      if (source.has_path) return in_body(source, value);
      value = facts_->body;
      return !value.empty();
    case Place::kEventName:
      value = facts_->event_name;
      if (value.empty() && log_.has(rules_.event_name_slot())) value = log_.get(rules_.event_name_slot());
      return !value.empty();
    case Place::kScopeName:
      value = scope_name_;
      return !value.empty();
    case Place::kServiceName:
      value = service_name_;
      return !value.empty();
    case Place::kSeverityText:
      value = facts_->severity_text;
      return !value.empty();
    case Place::kGroup:
    case Place::kText:
      value = source.text;
      return true;
  }
  return false;
}

bool Classifier::attribute(const Slots<View>& slots, const Source& source, View& value) {
  for (const auto& [slot, count] : source.starts) {
    if (slots.has(slot)) return find(slots.get(slot), source.path, count, *arena_, value);
  }
  return false;
}

bool Classifier::in_body(const Source& source, View& value) {
  if (source.starts.empty()) return find(facts_->body, source.path, 0, *arena_, value);
  read_body();
  for (const auto& [slot, count] : source.starts) {
    if (!body_.has(slot)) continue;
    const RawValue& found = body_.get(slot);
    return found.is_there() && find(found.text(*arena_), source.path, count, *arena_, value);
  }
  return false;
}

void Classifier::read_body() {
  if (body_is_read_) return;
  body_is_read_ = true;
  body_.clear();
  switch (shape_of(facts_->body)) {
    case Shape::kObject:
      for (Members members(facts_->body); members.next();) {
        const uint32_t slot = rules_.slot(members.key(*arena_));
        if (slot != Rules::kNoSlot) body_.set(slot, members.value());
      }
      break;
    case Shape::kPairs:
      for (Pairs pairs(facts_->body); pairs.next();) {
        const uint32_t slot = rules_.slot(pairs.key());
        if (slot != Rules::kNoSlot && !body_.has(slot)) body_.set(slot, pairs.value());
      }
      break;
    case Shape::kList:
      break;
  }
}

void Classifier::extract(const Rule& rule, AuditFields& fields) {
  search_groups(rule);
  auto& values = fields.values;
  for (const Field field : kTextFields) values[field] = text(rule, field);
  if (values[kActorNameField] == values[kActorIdField]) values[kActorNameField] = View();
  if (values[kEffectiveActorIdField] == values[kActorIdField]) values[kEffectiveActorIdField] = View();
  values[kActorTypeField] = actor_type(rule);
  values[kSourceIdField] = address_of(values[kSourceIdField]);
  if (values[kSourceHostField] == values[kSourceIdField]) values[kSourceHostField] = View();
  values[kOutcomeField] = outcome(rule);
  values[kCategoryField] = category(rule, values[kActionField], values[kTargetTypeField]);
  fields.rule = rule.name;
}

void Classifier::search_groups(const Rule& rule) {
  groups_.assign(rule.groups, View());
  for (const Extract& extract : rule.extracts) {
    View from;
    value(extract.source, from);
    found_.resize(extract.regex->groups());
    if (!extract.regex->search(from.substr(0, kMostSearchedBytes), found_.data(), regex_scratch_)) continue;
    for (size_t i = 0; i < extract.groups.size(); ++i) {
      if (groups_[extract.groups[i]].empty()) groups_[extract.groups[i]] = found_[i];
    }
  }
}

View Classifier::part(const Rule& rule, const Source& source) {
  if (source.place == Place::kText) return source.text;
  View found;
  if (source.place == Place::kGroup) {
    found = groups_[source.group];
    if (source.has_path && !find(found, source.path, 0, *arena_, found)) return View();
  } else if (!value(source, found)) {
    return View();
  }
  if (found.size() <= kMostAbsentBytes) {
    scratch_.assign(found);
    if (rule.absent.count(scratch_) > 0) return View();
  }
  return source.has_path && is_map(found) ? View() : found;
}

View Classifier::value(const Rule& rule, const Template& parts) {
  if (parts.size() == 1) return part(rule, parts.front());
  std::string joined;
  for (const Source& source : parts) {
    const View one = part(rule, source);
    if (one.empty()) return View();
    joined += one;
  }
  return arena_->keep(joined);
}

// Returns the first text that is not empty and that `use` makes of the values of a field.
template <typename Use>
View Classifier::first(const Rule& rule, Field field, Use use) {
  for (const Template& parts : rule.fields[field]) {
    const View found = value(rule, parts);
    if (found.empty()) continue;
    if (const View used = use(found); !used.empty()) return used;
  }
  return View();
}

View Classifier::stored(const Rule& rule, Field field, View value) {
  if (rule.values[field].empty()) return View();
  std::string lowered;
  lower(value, lowered);
  for (const StoredValue& one : rule.values[field]) {
    if (passes(one.test, lowered)) return one.stored;
  }
  return View();
}

View Classifier::text(const Rule& rule, Field field) {
  return first(rule, field, [&](View found) {
    const View instead = stored(rule, field, found);
    return cut(instead.empty() ? found : instead);
  });
}

View Classifier::actor_type(const Rule& rule) {
  return first(rule, kActorTypeField, [&](View found) {
    if (!rule.values[kActorTypeField].empty()) return stored(rule, kActorTypeField, found);
    lower(found, scratch_);
    return rules_.words().has(Words::kActorTypes, scratch_) ? arena_->keep(scratch_) : cut(found);
  });
}

View Classifier::outcome(const Rule& rule) {
  const View found = first(rule, kOutcomeField, [&](View sent) {
    if (!rule.values[kOutcomeField].empty()) return stored(rule, kOutcomeField, sent);
    const View outcome = rules_.words().outcome(sent, scratch_);
    return outcome == "unknown" ? View() : outcome;
  });
  return found.empty() ? "unknown" : found;
}

View Classifier::category(const Rule& rule, View action, View target_type) {
  View found;
  if (!rule.values[kCategoryField].empty()) {
    found = first(rule, kCategoryField, [&](View sent) { return stored(rule, kCategoryField, sent); });
  } else {
    found = first(rule, kCategoryField, [&](View sent) {
      lower(sent, scratch_);
      return rules_.words().has(Words::kCategories, scratch_) ? arena_->keep(scratch_) : View();
    });
  }
  return found.empty() ? rules_.words().category(action, target_type, scratch_) : found;
}

}  // namespace lognotary
