// What a rule that matched makes of a record: the second half of the classifier.
#include "address.hpp"
#include "classifier.hpp"

#include <functional>
#include <utility>

namespace lognotary {
namespace {

constexpr size_t kMostAbsentBytes = 64;  // MOST_ABSENT_BYTES in parse.py

// The fields whose texts are stored as they are found.
constexpr Field kTextFields[] = {
    kRecordIdField, kActorIdField,    kActorNameField, kEffectiveActorIdField, kSessionIdField,  kActionField,
    kTargetIdField, kTargetTypeField, kSourceIdField,  kSourceTypeField,       kSourceHostField, kDescriptionField};

// Tells whether a text begins like a map, or like a list with a map in it.
bool is_map(View text) {
  size_t at = begins_with_mark(text) ? kByteOrderMark.size() : 0;
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

View cut(View text, size_t most) {
  if (text.size() <= most) return text;
  size_t size = most;
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
  groups_.assign(rule.groups, Group());
  for (const Extract& extract : rule.extracts) {
    Searched& found = searched(extract);
    if (!found.found) continue;
    Level& level = level_of(extract.source.place);
    for (size_t i = 0; i < extract.groups.size(); ++i) {
      Group& group = groups_[extract.groups[i]];
      if (group.anchor == nullptr && !found.groups[i].value.raw.empty()) group = {&found.groups[i], &level};
    }
  }
}

// Returns what a regular expression finds; in what several records have in common, it is searched for once.
Classifier::Searched& Classifier::searched(const Extract& extract) {
  Searched& into = searched_[extract.number];
  const Level& level = level_of(extract.source.place);
  if (into.round == level.round) return into;
  into.round = level.round;
  View from;
  value(extract.source, from);
  const View searched = cut(from, extract.regex->most_bytes());
  found_.assign(extract.groups.size(), View());
  into.found = extract.regex->search(searched, found_.data(), regex_scratch_);
  into.groups.assign(extract.groups.size(), Anchor());
  for (size_t i = 0; into.found && i < found_.size(); ++i) {
    if (found_[i].empty()) continue;
    // A group that reaches the end of what is searched goes on to the end of the text.
    const auto start = static_cast<size_t>(found_[i].data() - from.data());
    const bool goes_on = start + found_[i].size() == searched.size();
    into.groups[i].value = {RawValue::kPlain, goes_on ? from.substr(start) : found_[i]};
  }
  return into;
}

View Classifier::part(const Rule& rule, const Source& source) {
  if (source.place == Place::kText) return source.text;
  View found;
  if (source.place == Place::kGroup) {
    const Group& group = groups_[source.group];
    if (group.anchor == nullptr) return View();
    found = group.anchor->value.raw;
    if (source.has_path && !in_anchor(*group.level, *group.anchor, source.path, 0, found, true)) return View();
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
  return found.empty() ? category_of_words(action, target_type) : found;
}

View Classifier::category_of_words(View action, View target_type) {
  if (action.size() > kLongestKnown || target_type.size() > kLongestKnown) {
    return rules_.words().category(action, target_type, scratch_);
  }
  KnownCategory& known = categories_[(std::hash<View>{}(action) ^ target_type.size()) % kCategories];
  if (known.category.empty() || known.action != action || known.target_type != target_type) {
    known = {std::string(action), std::string(target_type), rules_.words().category(action, target_type, scratch_)};
  }
  return known.category;
}

}  // namespace lognotary
