#include "texts.hpp"

#include "escapes.hpp"

namespace lognotary {
namespace {

constexpr size_t kNoEnd = View::npos;

bool is_json_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_space(char c) { return is_json_space(c) || c == '\v' || c == '\f'; }

size_t skip_space(View text, size_t at) {
  while (at < text.size() && is_json_space(text[at])) ++at;
  return at;
}

// Returns where a text begins behind a byte order mark and white space.
size_t beginning(View text) { return skip_space(text, begins_with_mark(text) ? kByteOrderMark.size() : 0); }

bool stands_at(View text, size_t at, char c) { return at < text.size() && text[at] == c; }

// Returns where the string that begins at a quote ends, behind its closing quote.
size_t end_of_string(View text, size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return kNoEnd;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Returns where true, false, null or a number ends.
size_t end_of_bare(View text, size_t at) {
  size_t end = at;
  for (const View word : {View("true"), View("false"), View("null")}) {
    if (text.substr(at, word.size()) == word) end = at + word.size();
  }
  if (end == at) {
    const size_t digits = stands_at(text, at, '-') ? at + 1 : at;
    if (digits >= text.size() || !is_digit(text[digits])) return kNoEnd;
    end = digits + 1;
    while (end < text.size() && View("-+.0123456789eE").find(text[end]) != View::npos) ++end;
  }
  const bool ends = end == text.size() || is_space(text[end]) || View(",]}").find(text[end]) != View::npos;
  return ends ? end : kNoEnd;
}

size_t end_of_value(View text, size_t at) {
  if (at >= text.size()) return kNoEnd;
  if (text[at] == '"') return end_of_string(text, at);
  if (text[at] != '{' && text[at] != '[') return end_of_bare(text, at);
  size_t depth = 0;
  while (at < text.size()) {
    switch (text[at]) {
      case '"':
        at = end_of_string(text, at);
        if (at == kNoEnd) return kNoEnd;
        continue;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (--depth == 0) return at + 1;
        break;
      default:
        break;
    }
    ++at;
  }
  return kNoEnd;
}

// Tells whether a list of objects, which does not end, begins at a place and has a whole object.
bool has_whole_object(View text, size_t at) {
  if (!stands_at(text, at, '[')) return false;
  at = skip_space(text, at + 1);
  return stands_at(text, at, '{') && end_of_value(text, at) != kNoEnd;
}

RawValue value_of(View json) {
  if (json == "null") return {RawValue::kNull, json};
  if (json.front() == '"') return {RawValue::kString, json.substr(1, json.size() - 2)};
  return {RawValue::kPlain, json};
}

bool is_key_character(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '/' ||
         c == '@' || c == '-';
}

bool may_precede_key(char c) { return is_space(c) || View(",;([{|'\"").find(c) != View::npos; }

}  // namespace

View RawValue::text(Arena& arena) const {
  if (kind == kString) return unescape(raw, arena);
  return kind == kQuoted ? unquote(raw, arena) : raw;
}

Members::Members(View text) : text_(text), at_(beginning(text)) {
  at_ = stands_at(text_, at_, '{') ? skip_space(text_, at_ + 1) : text_.size();
  if (stands_at(text_, at_, '}')) end_ = at_ + 1;
}

bool Members::next() {
  if (!stands_at(text_, at_, '"')) return false;
  size_t end = end_of_string(text_, at_);
  if (end == kNoEnd) return false;
  key_ = value_of(text_.substr(at_, end - at_));
  at_ = skip_space(text_, end);
  if (!stands_at(text_, at_, ':')) return false;
  at_ = skip_space(text_, at_ + 1);
  end = end_of_value(text_, at_);
  if (end == kNoEnd) {
    if (!has_whole_object(text_, at_)) return false;
    value_ = {RawValue::kPlain, text_.substr(at_)};
    at_ = text_.size();
    return true;
  }
  value_ = value_of(text_.substr(at_, end - at_));
  at_ = skip_space(text_, end);
  if (stands_at(text_, at_, '}')) end_ = at_ + 1;
  at_ = stands_at(text_, at_, ',') ? skip_space(text_, at_ + 1) : text_.size();
  return true;
}

View member_of(View object, View key, Arena& arena) {
  RawValue found;
  for (Members members(object); members.next();) {
    if (members.key(arena) == key) found = members.value();
  }
  return found.is_there() ? found.text(arena) : View();
}

bool Pairs::next() {
  while (true) {
    const size_t equals = text_.find('=', at_);
    if (equals == View::npos) return false;
    size_t begin = equals;
    while (begin > at_ && is_key_character(text_[begin - 1])) --begin;
    at_ = equals + 1;
    if (begin == equals || (begin > 0 && !may_precede_key(text_[begin - 1]))) continue;
    key_ = text_.substr(begin, equals - begin);
    if (stands_at(text_, at_, '"')) {
      const size_t end = end_of_string(text_, at_);
      if (end == kNoEnd) continue;
      value_ = {RawValue::kQuoted, text_.substr(at_ + 1, end - at_ - 2)};
      at_ = end;
      return true;
    }
    if (stands_at(text_, at_, '\'')) {
      const size_t end = text_.find('\'', at_ + 1);
      if (end == View::npos || text_.substr(at_ + 1, end - at_ - 1).find('=') != View::npos) continue;
      value_ = {RawValue::kPlain, text_.substr(at_ + 1, end - at_ - 1)};
      at_ = end + 1;
      return true;
    }
    size_t end = at_;
    while (end < text_.size() && !is_space(text_[end]) && text_[end] != ',' && text_[end] != ';') ++end;
    View value = text_.substr(at_, end - at_);
    if (!value.empty() && value.back() == '\'') value.remove_suffix(1);
    value_ = {RawValue::kPlain, value};
    at_ = end;
    return true;
  }
}

Elements::Elements(View text) : text_(text), at_(beginning(text)) {
  if (!stands_at(text_, at_, '[')) {
    at_ = text_.size();
    return;
  }
  at_ = skip_space(text_, at_ + 1);
  is_whole_ = stands_at(text_, at_, ']') && at_ + 1 == text_.size();
}

bool Elements::next() {
  const size_t end = end_of_value(text_, at_);
  if (end == kNoEnd) return false;
  value_ = value_of(text_.substr(at_, end - at_));
  at_ = skip_space(text_, end);
  is_whole_ = stands_at(text_, at_, ']') && at_ + 1 == text_.size();
  at_ = stands_at(text_, at_, ',') ? skip_space(text_, at_ + 1) : text_.size();
  return true;
}

bool is_first_of_several(View text, size_t end) {
  if (end == View::npos) end = end_of_value(text, beginning(text));
  if (end == kNoEnd) return false;
  end = skip_space(text, end);
  return stands_at(text, end, '{') || stands_at(text, end, '[');
}

Objects::Objects(View text) : text_(text), at_(beginning(text)), elements_(View()) {}

bool Objects::next(Arena& arena) {
  while (true) {
    if (in_list_) {
      if (next_element(arena)) return true;
      in_list_ = false;
      if (!has_first_) at_ = text_.size();
      next_value();
    } else if (stands_at(text_, at_, '{')) {
      const size_t end = end_of_value(text_, at_);
      object_ = text_.substr(at_, end == kNoEnd ? View::npos : end - at_);
      next_value();
      return true;
    } else if (stands_at(text_, at_, '[')) {
      elements_ = Elements(text_.substr(at_));
      in_list_ = true;
      has_first_ = false;
    } else {
      return false;
    }
  }
}

// Goes on to the next object in a list. A list whose first element is none has none.
bool Objects::next_element(Arena& arena) {
  while (elements_.next()) {
    object_ = elements_.text(arena);
    if (stands_at(object_, beginning(object_), '{')) return has_first_ = true;
    if (!has_first_) return false;
  }
  return false;
}

void Objects::next_value() {
  const size_t end = at_ < text_.size() ? end_of_value(text_, at_) : kNoEnd;
  at_ = end == kNoEnd ? text_.size() : skip_space(text_, end);
}

Shape shape_of(View text) {
  const size_t at = beginning(text);
  if (stands_at(text, at, '{')) return Shape::kObject;
  return stands_at(text, at, '[') ? Shape::kList : Shape::kPairs;
}

}  // namespace lognotary
