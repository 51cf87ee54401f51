// What a rule that matched makes of a record: the second half of the classifier.
#include "address.hpp"
#include "classifier.hpp"

#include <utility>

namespace lognotary {
namespace {

constexpr size_t kMostBytes = 8192;       // MOST_BYTES in classify.py
constexpr size_t kMostAbsentBytes = 64;   // MOST_ABSENT_BYTES in parse.py

// The fields whose texts are stored as they are found.
constexpr Field kTextFields[] = {
    kRecordIdField, kActorIdField,    kActorNameField, kEffectiveActorIdField, kSessionIdField,  kActionField,
    kTargetIdField, kTargetTypeField, kSourceIdField,  kSourceTypeField,       kSourceHostField, kDescriptionField};

// Tells whether a text begins like a map, or like a list with a map in it.
bool is_map(View text) {
  size_t at = 0;
  const auto skip_space = [&] {
    while (at < text.size() && View(" \t\r\n\v\f").find(text[at]) != View::npos) ++at;
  };
  for (skip_space(); at < text.size() && text[at] == '['; skip_space()) ++at;
  if (at == text.size() || text[at] != '{') return false;
  ++at;
  skip_space();
  return at < text.size() && (text[at] == '"' || text[at] == '}');
}

}  // namespace

View cut(View text) {
  if (text.size() <= kMostBytes) return text;
  size_t size = kMostBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

void Classifier::extract(const Rule& rule, AuditFields& fields) {
  search_groups(rule);
  auto& values = fields.values;
  for (const Field field : kTextFields) values[field] = text(rule, field);
  if (values[kActorNameField] == values[kActorIdField]) values[kActorNameField] = View();
  if (values[kEffectiveActorIdField] == values[kActorIdField]) values[kEffectiveActorIdField] = View();
  values[kActorTypeField] = actor_type(rule);
  values[kSourceIdField] = address_of(values[kSourceIdField], *arena_);
  if (values[kSourceHostField] == values[kSourceIdField]) values[kSourceHostField] = View();
  values[kOutcomeField] = outcome(rule);
  values[kCategoryField] = category(rule, values[kActionField], values[kTargetTypeField]);
  fields.rule = rule.name;
}

void Classifier::search_groups(const Rule& rule) {
  groups_.assign(rule.groups, View());
  for (const Extract& extract : rule.extracts) {
    const Searched& found = searched(extract);
    if (!found.found) continue;
    for (size_t i = 0; i < extract.groups.size(); ++i) {
      if (groups_[extract.groups[i]].empty()) groups_[extract.groups[i]] = found.groups[i];
    }
  }
}

// Returns what a regular expression finds; in what several records have in common, it is searched for once.
const Classifier::Searched& Classifier::searched(const Extract& extract) {
  switch (extract.source.place) {
    case Place::kBody:
    case Place::kPairs:
      search(extract, in_body_found_);
      return in_body_found_;
    case Place::kResource:
    case Place::kServiceName:
    case Place::kScope:
    case Place::kScopeName:
      return searched_once(extract, in_scope_[extract.number], scope_round_, &scope_arena_);
    default:
      return searched_once(extract, in_record_[extract.number], record_round_, record_arena_);
  }
}

const Classifier::Searched& Classifier::searched_once(const Extract& extract, Searched& into, uint64_t round,
                                                      Arena* arena) {
  if (into.round == round) return into;
  into.round = round;
  std::swap(arena_, arena);
  search(extract, into);
  std::swap(arena_, arena);
  return into;
}

void Classifier::search(const Extract& extract, Searched& into) {
  into.groups.assign(extract.groups.size(), View());
  View from;
  value(extract.source, from);
  const View searched = cut(from);
  into.found = extract.regex->search(searched, into.groups.data(), regex_scratch_);
  if (!into.found) return;
  for (View& group : into.groups) {
    if (group.empty()) continue;
    // A group that reaches the end of what is searched goes on to the end of the text.
    const auto start = static_cast<size_t>(group.data() - from.data());
    if (start + group.size() == searched.size()) group = from.substr(start);
  }
}

View Classifier::part(const Rule& rule, const Source& source) {
  if (source.place == Place::kText) return source.text;
  View found;
  if (source.place == Place::kGroup) {
    found = groups_[source.group];
    if (source.has_path && !find(found, source.path, 0, *arena_, found, true)) return View();
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
  const auto& sources = rule.fields[field];
  for (size_t i = 0; i < sources.size(); ++i) {
    const Template& parts = sources[i];
    // The outcome of events that name no other is doubtful if the end of this event is missing.
    const bool is_default = i > 0 && field == kOutcomeField && parts.size() == 1 && parts[0].place == Place::kText;
    if (is_default && body_is_cut()) continue;
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
    return rules_.words().has(Words::kActorTypes, scratch_) ? arena_->keep(scratch_) : View();
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
