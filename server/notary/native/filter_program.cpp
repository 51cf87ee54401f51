#include "filter_program.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "cursor.hpp"

namespace lognotary {
namespace {

constexpr int kDeepest = 200;  // nodes within each other; the language has fewer

// Parses a program.
class Reader {
 public:
  // Columns are told apart by their kinds, one each.
  Reader(View program, std::vector<Kind> columns) : rest_(program), columns_(std::move(columns)) {}

  Node read() {
    Node root = node(0);
    if (!rest_.empty()) fail();
    return root;
  }

  // Number of columns that the program needs, from the first one on.
  size_t columns_used() const { return used_; }

 private:
  [[noreturn]] static void fail() { throw std::invalid_argument("the program of a filter is malformed"); }

  template <typename Number>
  Number number() {
    Number value;
    if (rest_.size() < sizeof value) fail();
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }

  template <typename Enum>
  Enum choice(Enum last) {
    const auto value = number<uint8_t>();
    if (value > static_cast<uint8_t>(last)) fail();
    return static_cast<Enum>(value);
  }

  // A number of parts, each of which has a byte at least.
  uint32_t count() {
    const auto value = number<uint32_t>();
    if (value > rest_.size()) fail();
    return value;
  }

  std::string text() {
    const uint32_t size = count();
    std::string value(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return value;
  }

  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (uint32_t left = count(); left > 0; --left) values.push_back(text());
    return values;
  }

  bool is_number(Kind kind) const { return kind != kString && kind != kMap && kind != kArray; }

  size_t number_column() {
    const size_t value = any_column();
    if (!is_number(columns_[value])) fail();
    return value;
  }

  size_t column(Kind kind) {
    const size_t value = any_column();
    if (columns_[value] != kind) fail();
    return value;
  }

  size_t any_column() {
    const size_t value = number<uint16_t>();
    if (value >= columns_.size()) fail();
    used_ = std::max(used_, value + 1);
    return value;
  }

  Place place() {
    Place value;
    value.kind = choice(PlaceKind::kAnyAttribute);
    if (value.kind == PlaceKind::kColumn) value.column = column(kString);
    if (value.kind == PlaceKind::kAttribute || value.kind == PlaceKind::kAnyAttribute) value.column = column(kMap);
    if (value.kind == PlaceKind::kAnyAttribute) value.other = column(kMap);
    if (value.kind != PlaceKind::kColumn) value.text = text();
    return value;
  }

  End end(Test test) {
    End value;
    value.kind = choice(EndKind::kIncluded);
    if (value.kind == EndKind::kOpen) return value;
    if (test == Test::kTextWithin) value.text = text();
    if (test == Test::kNumberWithin) value.number = number<double>();
    if (test == Test::kIntegerWithin) value.integer = number<uint64_t>();
    if (test == Test::kTimeWithin) value.time = number<int64_t>();
    return value;
  }

  Node node(int depth) {
    if (depth > kDeepest) fail();
    Node made;
    made.test = choice(Test::kTimeWithin);
    switch (made.test) {
      case Test::kAllOf:
      case Test::kAnyOf:
        for (uint32_t left = count(); left > 0; --left) made.parts.push_back(node(depth + 1));
        return made;
      case Test::kNegated:
        made.parts.push_back(node(depth + 1));
        return made;
      case Test::kIntegerWithin:
        made.number = choice(NumberKind::kLeaf);
        if (made.number == NumberKind::kColumn) made.place.column = number_column();
        if (made.number == NumberKind::kConstant) made.place.other = number<uint64_t>();
        break;
      case Test::kSeverityWithin:
        made.lowest = number<uint8_t>();
        made.highest = number<uint8_t>();
        made.place.column = number_column();
        made.place.other = column(kString);
        for (uint32_t left = count(); left > 0; --left) {
          made.texts.push_back(text());
          made.numbers.push_back(number<uint8_t>());
        }
        return made;
      case Test::kTimeWithin:
        made.place.column = column(sizeof(int64_t));
        made.place.other = kNoColumn;
        if (rest_.substr(0, 2) == View("\xFF\xFF", 2)) {
          rest_.remove_prefix(2);
        } else {
          made.place.other = column(sizeof(int64_t));
        }
        break;
      default:
        made.place = place();
    }
    switch (made.test) {
      case Test::kIsOneOf:
        made.texts = texts();
        break;
      case Test::kHolds:
        made.text = text();
        break;
      case Test::kResembles:
        made.ignores_case = number<uint8_t>() != 0;
        made.texts = texts();
        if (made.texts.size() < 2) fail();
        break;
      case Test::kHasWords:
        made.text = text();
        made.texts = texts();
        break;
      case Test::kHasWordsLike:
        made.texts = texts();
        if (made.texts.empty()) fail();
        break;
      case Test::kExists:
        break;
      default:
        made.low = end(made.test);
        made.high = end(made.test);
    }
    return made;
  }

  View rest_;
  const std::vector<Kind> columns_;
  size_t used_ = 0;
};

}  // namespace

Node read_program(View program, View kinds, size_t& columns) {
  std::vector<Kind> each;
  for (size_t place = 0; place < kinds.size(); ++place) {
    each.push_back(static_cast<Kind>(kinds[place]));
    if (each.back() == kArray) ++place;
  }
  Reader reader(program, std::move(each));
  Node root = reader.read();
  columns = reader.columns_used();
  return root;
}

}  // namespace lognotary
