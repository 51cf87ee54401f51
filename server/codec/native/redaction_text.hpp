// Secrets in texts, as server/codec/redaction_text.py finds them.
#pragma once

#include "redaction_forms.hpp"

namespace lognotary {

// How marks begin, and the digits of an HMAC in one.
constexpr View kRemoved = "[redacted:", kHashed = "[hmac:";
constexpr size_t kMarkDigits = 16;

class TextScanner {
 public:
  explicit TextScanner(const Redaction& redaction) : redaction_(redaction) {}

  // Returns false if there is no secret in a text, which a quick look shows for most texts.
  bool may_find(View text) {
    constexpr size_t kShortest = 3;  // a key, = and a value
    return text.size() >= kShortest && redaction_.find_stops(text, stops_);
  }

  // Returns the secrets in the text that `may_find` has looked at last, in order, until the next call.
  const std::vector<Found>& find(View text);

  // Returns the end of the mark at an index, 0 if there is none.
  size_t end_of_mark(View text, size_t at) const;

  // Tells whether the whole value of a secret key is a secret.
  bool is_secret(const KeyWord& word, View value) const;

  KeyWords& scratch() { return scratch_; }

 private:
  // Returns whether there is a secret at a stop; `next` is where to go on if not.
  bool look(View text, size_t at, size_t low, size_t& next, Found& found);
  size_t end_of_mark_around(View text, size_t colon, size_t low) const;
  bool in_url(View text, size_t start, size_t low, size_t& next, Found& found);
  size_t behind_user(View text, size_t start, size_t end) const;
  void find_tokens(View text, size_t start, size_t end, size_t low);
  bool is_kept(View text, size_t start, size_t low);
  bool value(View text, size_t at, size_t start, size_t low, size_t& next, Found& found);
  bool of_user(View text, size_t start, size_t user, Found& found) const;
  const KeyWord* word_of(View key, size_t& start);
  const KeyWord* word_behind_other_script(View key, size_t& start);
  bool in_quotes(View text, size_t start, size_t escapes, const KeyWord& word, View quote, Found& found) const;
  bool in_brackets(View text, size_t start, const KeyWord& word, View quote, Found& found) const;
  bool word(View text, size_t start, const KeyWord& word, View quote, bool sentence, bool option, Found& found);
  bool option(View text, size_t at, size_t low, Found& found);
  bool in_statement(View text, size_t at, size_t low, Found& found) const;
  bool behind_by(View text, size_t at, size_t low, Found& found);

  const Redaction& redaction_;
  StopsOfText stops_;
  std::vector<Found> found_;
  Ahead ahead_;
  KeyWords scratch_;
};

}  // namespace lognotary
