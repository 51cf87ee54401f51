// Where the sources of rules lead in a record: a part of the classifier.
#include "classifier.hpp"

namespace lognotary {

Classifier::Level& Classifier::level_of(Place place) {
  switch (place) {
    case Place::kResource:
    case Place::kServiceName:
      return resource_;
    case Place::kScope:
    case Place::kScopeName:
      return scope_;
    case Place::kBody:
    case Place::kPairs:
      return body_;
    default:
      return record_;
  }
}

bool Classifier::value(const Source& source, View& value) {
  switch (source.place) {
    case Place::kLog:
      return attribute(record_, source, value);
    case Place::kResource:
      return attribute(resource_, source, value);
    case Place::kScope:
      return attribute(scope_, source, value);
    case Place::kPairs:
      return body_shape_ == Shape::kPairs && in_body(source, value);
    case Place::kBody:
      if (source.has_path) {
        const bool is_for_other_text = body_shape_ == Shape::kPairs && !source.starts.empty();
        return !is_for_other_text && in_body(source, value);
      }
      value = facts_.body;
      return !value.empty();
    case Place::kEventName:
      value = facts_.event_name;
      if (value.empty() && record_.slots.has(rules_.event_name_slot())) {
        value = record_.slots.get(rules_.event_name_slot()).value.raw;
      }
      return !value.empty();
    case Place::kScopeName:
      value = scope_name_;
      return !value.empty();
    case Place::kServiceName:
      value = service_name_;
      return !value.empty();
    case Place::kSeverityText:
      value = facts_.severity_text;
      return !value.empty();
    case Place::kGroup:
    case Place::kText:
      value = source.text;
      return true;
  }
  return false;
}

bool Classifier::in_anchor(Level& level, Anchor& anchor, const Path& path, size_t from, View& value, bool pairs_too) {
  if (!anchor.value.is_there()) return false;
  const View raw = anchor.value.raw;
  if (from == path.segments.size() && anchor.value.kind == RawValue::kPlain && (raw.empty() || raw.front() != '[')) {
    value = raw;
    return true;
  }
  if (anchor.node == Lookup::kNone) anchor.node = level.lookup.add(anchor.value, pairs_too);
  return level.lookup.find(anchor.node, path, from, value);
}

bool Classifier::attribute(Level& level, const Source& source, View& value) {
  for (const auto& [slot, count] : source.starts) {
    if (level.slots.has(slot)) return in_anchor(level, level.slots.get(slot), source.path, count, value);
  }
  return false;
}

bool Classifier::in_body(const Source& source, View& value) {
  if (source.starts.empty()) return !body_is_several() && in_anchor(body_, body_anchor_, source.path, 0, value);
  read_body();
  return attribute(body_, source, value);
}

// Fills in the list of events in the body; false if there is none or if it is empty.
bool Classifier::find_list(const Source& source, View& list) {
  if (!source.has_path) {
    if (body_anchor_.node == Lookup::kNone) body_anchor_.node = body_.lookup.add(body_anchor_.value);
    return body_.lookup.find_list(body_anchor_.node, source.path, 0, list);
  }
  if (body_shape_ != Shape::kObject) return false;
  read_body();
  for (const auto& [slot, count] : source.starts) {
    if (!body_.slots.has(slot)) continue;
    Anchor& anchor = body_.slots.get(slot);
    if (!anchor.value.is_there()) return false;
    if (anchor.node == Lookup::kNone) anchor.node = body_.lookup.add(anchor.value);
    return body_.lookup.find_list(anchor.node, source.path, count, list);
  }
  return false;
}

bool Classifier::body_is_several() {
  if (body_shape_ != Shape::kObject) return false;
  read_body();
  return body_is_several_;
}

bool Classifier::body_is_cut() {
  if (body_shape_ != Shape::kObject) return false;
  read_body();
  return !body_is_whole_;
}

void Classifier::read_body() {
  if (body_is_read_) return;
  body_is_read_ = true;
  body_.slots.clear();
  switch (body_shape_) {
    case Shape::kObject: {
      body_.lookup.count(facts_.body);
      Members members(facts_.body);
      while (members.next()) {
        const uint32_t slot = rules_.slot(members.key(*arena_));
        if (slot != Rules::kNoSlot) body_.slots.set(slot, {members.value()});
      }
      body_is_whole_ = members.end() != View::npos;
      body_is_several_ = is_first_of_several(facts_.body, members.end());
      if (body_is_several_) body_.slots.clear();
      break;
    }
    case Shape::kPairs:
      body_.lookup.count(facts_.body);
      for (Pairs pairs(facts_.body); pairs.next();) {
        const uint32_t slot = rules_.slot(pairs.key());
        if (slot != Rules::kNoSlot && !body_.slots.has(slot)) body_.slots.set(slot, {pairs.value()});
      }
      break;
    case Shape::kList:
      break;
  }
}

}  // namespace lognotary
