#include "blocks.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "maps.hpp"

namespace lognotary {
namespace {

// The same as in row_blocks.py.
constexpr uint64_t kMostWords = 1 << 22;   // different words of a column in a block
constexpr uint64_t kMostSpareWords = 2;    // words in a dictionary that no value has: the default, and NULL
constexpr uint64_t kKeysVersion = 1;
constexpr uint64_t kIndexType = 0xFF, kHasGlobalDictionary = 1 << 8, kHasAdditionalKeys = 1 << 9;
constexpr uint64_t kLargestIndexType = 3;  // UInt64

constexpr size_t kMostSpare = 32 << 20;  // bytes that a row's buffer is larger than necessary

constexpr const char* kRow = "a row";
constexpr const char* kBlock = "a block of rows";

bool starts_with(View text, View beginning) { return text.substr(0, beginning.size()) == beginning; }

bool is_word(View type) { return type == "LowCardinality(String)"; }

bool is_text(View type) { return type == "String" || is_word(type); }

[[noreturn]] void refuse_type() { throw std::invalid_argument("a column has a type that records do not have"); }

Kind fixed_kind(View type) {
  if (type == "UUID") return 16;
  if (type == "UInt64" || type == "Int64" || starts_with(type, "DateTime64(")) return 8;
  if (type == "UInt32" || type == "DateTime" || starts_with(type, "DateTime(")) return 4;
  if (type == "UInt8" || type == "Bool") return 1;
  refuse_type();
}

size_t count_columns(View kinds) {
  size_t count = 0;
  for (const char kind : kinds) count += static_cast<Kind>(kind) != kArray;
  return count;
}

// Copies 8 to 16 bytes with two overlapping copies. Most values are short, and a call of memcpy takes longer.
void copy_short(char* out, const char* bytes, size_t size) {
  uint64_t first, last;
  std::memcpy(&first, bytes, sizeof first);
  std::memcpy(&last, bytes + size - sizeof last, sizeof last);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + size - sizeof last, &last, sizeof last);
}

// Returns a string without its length.
View text_of(View encoded) {
  size_t head = 1;
  while (static_cast<unsigned char>(encoded[head - 1]) >= 0x80) ++head;
  return encoded.substr(head);
}

[[noreturn]] void refuse() { throw std::invalid_argument("a block is not in the Native format"); }

}  // namespace

inline void RowBuffer::put(View bytes) {
  const size_t size = bytes.size();
  // Checked before anything is written: a short block may repeat a long word many times.
  if (size > most_ - size_) throw TooLong(kRow, most_);
  if (size > data_.size() - size_) data_.resize(size_ + size + std::min(size_ + size, kMostSpare));
  char* const out = data_.data() + size_;
  size_ += size;
  if (size == 1) {
    *out = bytes[0];
  } else if (size >= sizeof(uint64_t) && size <= 2 * sizeof(uint64_t)) {
    copy_short(out, bytes.data(), size);
  } else {
    std::memcpy(out, bytes.data(), size);
  }
}

void RowBuffer::put_length(uint64_t length) {
  char bytes[10];
  size_t size = 0;
  for (; length >= 0x80; length >>= 7) bytes[size++] = static_cast<char>(length | 0x80);
  bytes[size++] = static_cast<char>(length);
  put(View(bytes, size));
}

bool Texts::read_state(Cursor& cursor) const {
  uint64_t version = kKeysVersion;
  if (are_words_ && !cursor.take_number(version)) return false;
  if (version != kKeysVersion) refuse();
  return true;
}

bool Texts::read(Cursor& cursor, uint64_t values) {
  if (are_words_) return values == 0 || read_words(cursor, values);  // no words have no data
  const char* const begin = cursor.at();
  View text;
  for (; values > 0; --values) {
    if (!cursor.take_text(text)) return false;
  }
  strings_ = Cursor(begin, cursor.at());
  return true;
}

bool Texts::read_words(Cursor& cursor, uint64_t values) {
  uint64_t state, keys, count;
  if (!cursor.take_number(state) || !cursor.take_number(keys)) return false;
  const uint64_t type = state & kIndexType;
  if ((state & kHasGlobalDictionary) || !(state & kHasAdditionalKeys) || type > kLargestIndexType) refuse();
  if (keys > kMostWords || keys > values + kMostSpareWords) refuse();
  width_ = size_t{1} << type;
  dictionary_.clear();
  View key;
  for (; keys > 0; --keys) {
    if (!cursor.take_string(key)) return false;
    dictionary_.push_back(key);
  }
  if (!cursor.take_number(count)) return false;
  if (count != values) refuse();
  return cursor.take(values * width_, indexes_);
}

View Texts::next() {
  View text;
  if (!are_words_) {
    strings_.take_string(text);
    return text;
  }
  uint64_t index = 0;
  std::memcpy(&index, indexes_.data() + at_, width_);
  at_ += width_;
  if (index >= dictionary_.size()) refuse();
  return dictionary_[index];
}

bool Lengths::read(Cursor& cursor, uint64_t values, uint64_t most, uint64_t& elements) {
  elements = 0;
  if (!cursor.take(values * sizeof elements, ends_)) return false;
  // All ends are checked before any is used: one that is too large would lead beyond the elements.
  for (size_t at = 0; at < ends_.size(); at += sizeof elements) {
    const uint64_t before = elements;
    std::memcpy(&elements, ends_.data() + at, sizeof elements);
    if (elements < before) refuse();
    if (elements > most) throw TooLong(kBlock, most);  // each element has a byte or more
  }
  return true;
}

uint64_t Lengths::next() {
  uint64_t end;
  std::memcpy(&end, ends_.data() + at_, sizeof end);
  at_ += sizeof end;
  return end - std::exchange(before_, end);
}

BlockColumn::BlockColumn(View type) {
  constexpr View kArrayOf = "Array(", kMapOf = "Map(", kComma = ", ";
  is_array_ = starts_with(type, kArrayOf) && type.back() == ')';
  if (is_array_) type = type.substr(kArrayOf.size(), type.size() - kArrayOf.size() - 1);
  if (is_text(type)) {
    kind_ = kString;
    texts_ = Texts(is_word(type));
  } else if (starts_with(type, kMapOf) && type.back() == ')') {
    const View both = type.substr(kMapOf.size(), type.size() - kMapOf.size() - 1);
    const size_t comma = both.find(kComma);
    if (comma == View::npos) refuse_type();
    const View key = both.substr(0, comma), value = both.substr(comma + kComma.size());
    if (!is_text(key) || !is_text(value)) refuse_type();
    kind_ = kMap;
    keys_ = Texts(is_word(key));
    texts_ = Texts(is_word(value));
  } else {
    kind_ = fixed_kind(type);
  }
}

bool BlockColumn::read(Cursor& cursor, uint64_t rows, uint64_t most) {
  uint64_t values = rows;
  if (!keys_.read_state(cursor) || !texts_.read_state(cursor)) return false;
  if (is_array_ && !elements_.read(cursor, rows, most, values)) return false;
  if (kind_ == kString) return texts_.read(cursor, values);
  if (kind_ == kMap) {
    const uint64_t maps = values;
    return pairs_.read(cursor, maps, most, values) && keys_.read(cursor, values) && texts_.read(cursor, values);
  }
  View bytes;
  if (!cursor.take(values * kind_, bytes)) return false;
  fixed_ = Cursor(bytes);
  return true;
}

void BlockColumn::append_next(RowBuffer& row, bool& in_order) {
  if (!is_array_) return append_value(row, in_order);
  uint64_t elements = elements_.next();
  row.put_length(elements);
  for (; elements > 0; --elements) append_value(row, in_order);
}

void BlockColumn::append_value(RowBuffer& row, bool& in_order) {
  if (kind_ == kString) return row.put(texts_.next());
  if (kind_ == kMap) return append_map(row, in_order);
  View bytes;
  fixed_.take(kind_, bytes);
  row.put(bytes);
}

void BlockColumn::append_map(RowBuffer& row, bool& in_order) {
  const uint64_t pairs = pairs_.next();
  row.put_length(pairs);
  Pair before{}, pair{};
  for (uint64_t number = 0; number < pairs; ++number) {
    const View key = keys_.next(), value = texts_.next();
    pair.key = text_of(key);
    pair.value = text_of(value);
    in_order = in_order && (number == 0 || is_in_order(before, pair));
    before = pair;
    row.put(key);
    row.put(value);
  }
}

BlockReader::BlockReader(View kinds, BlockLimits limits, TakeRow take_row)
    : kinds_(kinds),
      count_(count_columns(kinds)),
      limits_(limits),
      take_row_(std::move(take_row)),
      row_(limits.row_bytes) {}

void BlockReader::feed(View piece) {
  const char* const before = data_.data();
  data_ += piece;
  if (data_.data() != before) {  // the data has moved, and the columns were views into it
    columns_.clear();
    read_ = 0;
  }
  if (data_.size() >= wanted_) read_blocks();
  if (data_.size() > limits_.block_bytes) throw TooLong(kBlock, limits_.block_bytes);
}

bool BlockReader::finish() {
  read_blocks();
  return data_.empty();
}

void BlockReader::read_blocks() {
  while (!data_.empty() && read_block()) {
    pass_rows();
    data_.erase(0, read_);
    columns_.clear();
    read_ = 0;
  }
  // An incomplete column is read again from its beginning, so only once there is twice as much of it.
  wanted_ = data_.empty() ? 0 : std::min<uint64_t>(read_ + 2 * (data_.size() - read_), limits_.block_bytes);
}

// Reads what has arrived of the first block; returns whether the block is complete.
bool BlockReader::read_block() {
  Cursor cursor(data_.data() + read_, data_.data() + std::min<uint64_t>(data_.size(), limits_.block_bytes));
  if (read_ == 0) {
    uint64_t columns;
    if (!cursor.take_length(columns) || !cursor.take_length(rows_)) return false;
    if (columns != count_) throw std::invalid_argument("a block has another number of columns");
    if (rows_ > limits_.block_bytes) throw TooLong(kBlock, limits_.block_bytes);  // each row has a byte or more
    place_ = 0;
    read_ = static_cast<size_t>(cursor.at() - data_.data());
  }
  while (columns_.size() < count_) {
    View name, type;
    if (!cursor.take_text(name) || !cursor.take_text(type)) return false;
    BlockColumn column(type);
    check(column);
    if (rows_ > 0 && !column.read(cursor, rows_, limits_.block_bytes)) return false;
    place_ += column.is_array() ? 2 : 1;
    columns_.push_back(std::move(column));
    read_ = static_cast<size_t>(cursor.at() - data_.data());
  }
  return true;
}

// Checks that a column has the kind that comes next.
void BlockReader::check(const BlockColumn& column) const {
  const bool is_array = static_cast<Kind>(kinds_[place_]) == kArray;
  const auto expected = static_cast<Kind>(kinds_[place_ + is_array]);
  if (column.is_array() != is_array || column.kind() != expected) {
    throw std::invalid_argument("a column has another type than records have there");
  }
}

void BlockReader::pass_rows() {
  for (uint64_t row = 0; row < rows_; ++row) {
    row_.clear();
    bool in_order = true;
    for (BlockColumn& column : columns_) column.append_next(row_, in_order);
    take_row_(row_.row(), in_order);
  }
}

}  // namespace lognotary
