#include "paths.hpp"

namespace lognotary {
namespace {

// Returns segments as a text that no other segments have.
std::string as_text(const Segments& segments, size_t from, size_t end) {
  std::string text;
  for (size_t at = from; at < end; ++at) {
    const Segment& segment = segments[at];
    if (segment.kind == Segment::kKey) text += std::to_string(segment.key.size()) + ':' + segment.key;
    if (segment.kind == Segment::kIndex) text += '[' + std::to_string(segment.index) + ']';
    if (segment.kind == Segment::kAll) text += '*';
    if (segment.kind == Segment::kBytes) text += '#';
    if (segment.kind == Segment::kHex) text += 'x';
  }
  return text;
}

}  // namespace

uint32_t Keys::add(const std::string& key) {
  if (const uint32_t number = find(key); number != kUnknown) return number;
  keys_.push_back(key);
  lengths_[beginning_of(key)] |= uint64_t{1} << (key.size() & 63);
  const auto added = static_cast<uint32_t>(numbers_.size());
  numbers_.emplace(keys_.back(), added);
  return added;
}

uint32_t Keys::known(View key) const {
  const auto found = numbers_.find(key);
  return found == numbers_.end() ? kUnknown : found->second;
}

void Path::prepare() {
  beginnings.clear();
  beginnings.resize(segments.size());
  tails.resize(segments.size());
  for (size_t from = 0; from < segments.size(); ++from) {
    std::string key;
    for (size_t at = from; at < segments.size() && segments[at].kind == Segment::kKey; ++at) {
      if (at > from) key += '.';
      key += segments[at].key;
      beginnings[from].insert(beginnings[from].begin(), {key, at - from + 1});
    }
  }
}

void WantedPaths::add(Path& path, size_t from) {
  for (size_t at = from; at < path.segments.size(); ++at) {
    for (Beginning& beginning : path.beginnings[at]) beginning.number = keys_.add(beginning.key);
    if (path.segments[at].kind == Segment::kAll) path.tails[at] = tail(path, at);
  }
}

Tail WantedPaths::tail(const Path& path, size_t at) {
  const auto [family, is_new] = families_by_path_.emplace(as_text(path.segments, 0, at),
                                                          static_cast<uint32_t>(families_.size()));
  if (is_new) families_.emplace_back();
  std::deque<Path>& tails = families_[family->second].tails;
  const auto [number, is_new_tail] =
      tails_by_path_.emplace(std::pair(family->second, as_text(path.segments, at + 1, path.segments.size())),
                             static_cast<uint32_t>(tails.size()));
  if (is_new_tail) {
    Path& added = tails.emplace_back();
    added.segments.assign(path.segments.begin() + static_cast<ptrdiff_t>(at) + 1, path.segments.end());
    added.prepare();
    if (added.segments.empty() || added.segments[0].kind != Segment::kKey) {
      families_[family->second].needs_objects = false;
    }
    add(added, 0);
  }
  return {family->second, number->second};
}

}  // namespace lognotary
