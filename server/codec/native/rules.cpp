#include "rules.hpp"

#include <algorithm>
#include <utility>

namespace lognotary {
namespace {

bool begins_with(View text, View beginning) { return text.substr(0, beginning.size()) == beginning; }

// ASCII only, as Python's bytes.lower.
void lower(View text, std::string& out) {
  out.assign(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

}  // namespace

Rules::Pattern::Pattern(const std::string& pattern)
    : text(pattern), prefix(!pattern.empty() && pattern.back() == '*'), any(pattern == "*") {
  if (prefix) text.pop_back();
}

bool Rules::Pattern::fits(View value) const {
  if (any) return !value.empty();
  if (prefix) return begins_with(value, text);
  return text.empty() || value == text;
}

Rules::Rules(Words words) : words_(std::move(words)), event_name_slot_(add_slot("event.name")) {}

void Rules::add_rule(const std::string& name) { rules_.push_back(Rule{name, {}, {}}); }

void Rules::add_match(const std::string& event_name, const std::string& scope, const std::string& service,
                      int severity_min) {
  rules_.back().matches.push_back(
      Match{Pattern(event_name), Pattern(scope), Pattern(service), static_cast<unsigned>(std::max(0, severity_min)), 0, {}});
}

void Rules::add_attribute(const std::string& key, const std::string& pattern) {
  Match& match = rules_.back().matches.back();
  match.attributes.emplace_back(add_slot(key), Pattern(pattern));
  match.mask |= Slots::bit(match.attributes.back().first);
}

void Rules::add_source(int field, const std::string& source) {
  static const std::pair<View, Place> kPlaces[] = {
      {"log:", Place::kLog}, {"resource:", Place::kResource}, {"scope:", Place::kScope}, {"=", Place::kLiteral}};
  static const std::pair<View, Place> kNames[] = {{"event_name", Place::kEventName},
                                                  {"scope_name", Place::kScopeName},
                                                  {"service_name", Place::kServiceName},
                                                  {"body", Place::kBody}};
  auto& sources = rules_.back().sources.at(static_cast<size_t>(field));
  for (const auto& [prefix, place] : kPlaces) {
    if (!begins_with(source, prefix)) continue;
    const std::string rest = source.substr(prefix.size());
    sources.push_back(Source{place, place == Place::kLiteral ? kNoSlot : add_slot(rest), rest});
    return;
  }
  for (const auto& [name, place] : kNames) {
    if (source == name) sources.push_back(Source{place, kNoSlot, {}});
  }
}

uint32_t Rules::add_slot(const std::string& key) {
  if (const uint32_t known = slot(key); known != kNoSlot) return known;
  keys_.push_back(key);
  const auto added = static_cast<uint32_t>(slots_.size());
  slots_.emplace(keys_.back(), added);
  return added;
}

uint32_t Rules::slot(View key) const {
  const auto found = slots_.find(key);
  return found == slots_.end() ? kNoSlot : found->second;
}

bool Rules::classify(const Facts& facts, AuditFields& fields, std::string& scratch) const {
  const uint64_t mask = facts.log->mask();
  for (const Rule& rule : rules_) {
    if (std::none_of(rule.matches.begin(), rule.matches.end(), [&](const Match& match) {
          return (mask & match.mask) == match.mask && holds(match, facts);
        })) {
      continue;
    }
    for (size_t field = 0; field < kFields; ++field) fields.values[field] = first(rule.sources[field], facts);
    fields.values[kOutcomeField] = outcome(fields.values[kOutcomeField], scratch);
    fields.values[kCategoryField] =
        category(fields.values[kCategoryField], fields.values[kActionField], fields.values[kTargetTypeField], scratch);
    fields.rule = rule.name;
    return true;
  }
  return false;
}

View Rules::outcome(View sent, std::string& scratch) const {
  lower(sent, scratch);
  const View word = scratch;
  if (word.size() == 3 && std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return word < "400" ? "success" : "failure";  // an HTTP status code
  }
  for (const auto& [known, outcome] : words_.outcomes) {
    if (word == known) return outcome;
  }
  return "failure";
}

View Rules::category(View sent, View action, View target_type, std::string& scratch) const {
  lower(sent, scratch);
  for (const std::string& known : words_.categories) {
    if (scratch == known) return known;
  }
  lower(action, scratch);
  for (const auto& [beginning, category] : words_.category_of_action) {
    if (begins_with(scratch, beginning)) return category;
  }
  lower(target_type, scratch);
  for (const auto& [target, category] : words_.category_of_target) {
    if (scratch == target) return category;
  }
  return "data";
}

bool Rules::holds(const Match& match, const Facts& facts) const {
  if (facts.severity_number < match.severity_min) return false;
  for (const auto& [slot, pattern] : match.attributes) {
    if (!facts.log->has(slot)) return false;
    if (!pattern.any && !pattern.fits(facts.log->get(slot))) return false;
  }
  if (!match.scope.fits(facts.scope_name) || !match.service.fits(facts.service_name)) return false;
  return match.event_name.fits(facts.event_name.empty() ? facts.log->get(event_name_slot_) : facts.event_name);
}

View Rules::first(const std::vector<Source>& sources, const Facts& facts) {
  for (const Source& source : sources) {
    View value;
    switch (source.place) {
      case Place::kLiteral:
        value = source.text;
        break;
      case Place::kLog:
        value = facts.log->get(source.slot);
        break;
      case Place::kResource:
        value = facts.resource->get(source.slot);
        break;
      case Place::kScope:
        value = facts.scope->get(source.slot);
        break;
      case Place::kEventName:
        value = facts.event_name;
        break;
      case Place::kScopeName:
        value = facts.scope_name;
        break;
      case Place::kServiceName:
        value = facts.service_name;
        break;
      case Place::kBody:
        value = facts.body;
        break;
    }
    if (!value.empty()) return value;
  }
  return View();
}

}  // namespace lognotary
