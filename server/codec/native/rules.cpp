#include "rules.hpp"

#include <algorithm>
#include <stdexcept>

namespace lognotary {
namespace {

// Reads a program, as server/codec/audit/program.py writes it. Throws Refused if it is broken.
class ProgramReader {
 public:
  explicit ProgramReader(View program) : at_(program.data()), end_(program.data() + program.size()) {}

  uint64_t number() {
    const Varint read = read_varint(at_, end_);
    at_ = read.next;
    return read.value;
  }

  int64_t signed_number() {
    const uint64_t value = number();
    return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
  }

  std::string text() {
    const uint64_t size = number();
    if (size > static_cast<uint64_t>(end_ - at_)) throw Refused{};
    std::string read(at_, size);
    at_ += size;
    return read;
  }

  template <typename Read>
  auto list(Read read) {
    std::vector<decltype(read())> values;
    for (uint64_t left = number(); left > 0; --left) values.push_back(read());
    return values;
  }

  Path path() {
    Path path;
    path.text = text();
    path.segments = list([&] {
      Segment segment;
      segment.kind = static_cast<Segment::Kind>(number());
      if (segment.kind == Segment::kKey) segment.key = text();
      if (segment.kind == Segment::kIndex) segment.index = signed_number();
      return segment;
    });
    path.prepare();
    return path;
  }

  Source source() {
    Source source;
    source.place = static_cast<Place>(number());
    source.has_path = number() != 0;
    if (source.has_path) source.path = path();
    source.text = text();
    source.group = number();
    return source;
  }

  std::unique_ptr<Regex> regex() {
    return std::make_unique<Regex>(list([&] { return static_cast<uint32_t>(number()); }));
  }

  Test test() {
    Test test;
    test.kind = static_cast<Test::Kind>(number());
    if (test.kind < Test::kRange) test.text = text();
    if (test.kind == Test::kRange) {
      test.low = signed_number();
      test.high = signed_number();
    }
    if (test.kind == Test::kRegex) test.regex = regex();
    if (test.kind == Test::kAllOf) test.all = list([&] { return this->test(); });
    return test;
  }

  Match match() {
    Match match;
    match.severity_min = static_cast<unsigned>(number());
    for (uint64_t left = number(); left > 0; --left) {
      Condition condition{conditions_++, source(), list([&] { return test(); })};
      place_of(match, condition.source.place).push_back(std::move(condition));
    }
    return match;
  }

  // Reads a rule; its matches are appended to those of all rules.
  Rule rule(std::vector<Match>& matches, uint32_t number_of_rule) {
    Rule rule;
    rule.name = text();
    for (Match& one : list([&] { return match(); })) {
      one.rule = number_of_rule;
      matches.push_back(std::move(one));
    }
    rule.unless = list([&] { return match(); });
    rule.groups = number();
    rule.extracts = list([&] {
      Source from = source();
      auto compiled = regex();
      return Extract{extracts_++, std::move(from), std::move(compiled),
                     list([&] { return static_cast<size_t>(number()); })};
    });
    for (auto& templates : rule.fields) templates = list([&] { return list([&] { return source(); }); });
    for (auto& values : rule.values) {
      values = list([&] {
        Test passed = test();
        return StoredValue{std::move(passed), text()};
      });
    }
    for (std::string& absent : list([&] { return text(); })) rule.absent.insert(std::move(absent));
    rule.splits = number() != 0;
    if (rule.splits) {
      rule.split.place = Place::kBody;
      rule.split.path = path();
      Segments& segments = rule.split.path.segments;
      if (segments.size() > 2 && segments[segments.size() - 2].kind == Segment::kAll) {
        rule.split_member = segments.back().key;
        segments.resize(segments.size() - 2);
        rule.split.path.prepare();
      }
      rule.split.has_path = !rule.split.path.segments.empty();
    }
    return rule;
  }

  size_t conditions() const { return conditions_; }  // that were read
  size_t extracts() const { return extracts_; }

 private:
  static std::vector<Condition>& place_of(Match& match, Place place) {
    switch (place) {
      case Place::kResource:
      case Place::kServiceName:
        return match.of_resource;
      case Place::kScope:
      case Place::kScopeName:
        return match.of_scope;
      case Place::kBody:
      case Place::kPairs:
        return match.of_body;
      default:
        return match.of_record;
    }
  }

  const char* at_;
  const char* end_;
  size_t conditions_ = 0, extracts_ = 0;
};

}  // namespace

Rules::Rules(View program) {
  try {
    read(program);
  } catch (const Refused&) {
    throw std::invalid_argument("the program of the audit rules is broken");
  }
}

void Rules::read(View program) {
  ProgramReader reader(program);
  for (size_t set = 0; set < Words::kSets; ++set) {
    for (const std::string& word : reader.list([&] { return reader.text(); })) {
      words_.add(static_cast<Words::Set>(set), word);
    }
  }
  for (uint64_t left = reader.number(); left > 0; --left) {
    const std::string first = reader.text();
    words_.add_auth_pair(first, reader.text());
  }
  digest_ = reader.text();
  uint32_t number = 0;
  rules_ = reader.list([&] { return reader.rule(matches_, number++); });
  conditions_ = reader.conditions();
  extracts_ = reader.extracts();

  event_name_slot_ = slots_.add("event.name");
  for (Match& match : matches_) add_starts(match);
  for (Rule& rule : rules_) {
    for (Match& match : rule.unless) add_starts(match);
    for (Extract& extract : rule.extracts) add_starts(extract.source);
    for (auto& templates : rule.fields) {
      for (Template& parts : templates) {
        for (Source& source : parts) add_starts(source);
      }
    }
    if (rule.splits) add_starts(rule.split);
  }
  anchor_matches();
}

void Rules::add_starts(Match& match) {
  for (auto* conditions : {&match.of_resource, &match.of_scope, &match.of_record, &match.of_body}) {
    for (Condition& condition : *conditions) add_starts(condition.source);
  }
}

void Rules::anchor_matches() {
  const size_t count = matches_.size();
  event_names_ = without_anchor_ = splitting_ = MatchSet(count);
  text_anchors_ = TextAnchors(count);
  for (Anchors* anchors : {&log_anchors_, &body_anchors_, &pairs_anchors_}) {
    *anchors = Anchors{std::vector<MatchSet>(slots(), MatchSet(count)), std::vector<bool>(slots(), false),
                       MatchSet(count)};
  }
  for (size_t number = 0; number < count; ++number) {
    if (rules_[matches_[number].rule].splits) splitting_.add(number);
    // The longest key is taken for the rarest.
    const Source* rarest = nullptr;
    for (const auto* conditions : {&matches_[number].of_record, &matches_[number].of_body}) {
      for (const Condition& condition : *conditions) {
        const Source& source = condition.source;
        if (source.starts.empty()) continue;
        if (rarest == nullptr || source.path.text.size() > rarest->path.text.size()) rarest = &source;
      }
    }
    if (rarest == nullptr) {
      if (text_anchors_.add(matches_[number], number)) continue;
      const auto& of_record = matches_[number].of_record;
      const bool needs_name = std::any_of(of_record.begin(), of_record.end(), [](const Condition& one) {
        return one.source.place == Place::kEventName;
      });
      (needs_name ? event_names_ : without_anchor_).add(number);
      if (needs_name) {  // the attribute stands for one
        log_anchors_.of_slot[event_name_slot_].add(number);
        log_anchors_.has_some[event_name_slot_] = true;
      }
      continue;
    }
    Anchors& anchors = rarest->place == Place::kLog    ? log_anchors_
                       : rarest->place == Place::kBody ? body_anchors_
                                                       : pairs_anchors_;
    anchors.all.add(number);
    for (const Start& start : rarest->starts) {
      anchors.of_slot[start.slot].add(number);
      anchors.has_some[start.slot] = true;
    }
  }
}

void Rules::add_starts(Source& source) {
  if (!source.has_path) return;
  // In attributes and in a body, the first key is that of a slot.
  const auto& segments = source.path.segments;
  const bool has_slot = source.place != Place::kGroup && !segments.empty() && segments[0].kind == Segment::kKey;
  paths_.add(source.path, has_slot ? 1 : 0);
  if (source.place == Place::kGroup) return;
  const size_t all = segments.size();
  const auto& beginnings = source.path.beginnings;
  const bool in_attributes = source.place != Place::kBody && source.place != Place::kPairs;
  if (in_attributes && (beginnings.empty() || beginnings[0].empty() || beginnings[0][0].key != source.path.text)) {
    source.starts.push_back({slots_.add(source.path.text), all});
  }
  if (beginnings.empty()) return;
  for (const Beginning& beginning : beginnings[0]) source.starts.push_back({slots_.add(beginning.key), beginning.count});
}

}  // namespace lognotary
