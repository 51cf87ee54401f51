// Redaction of values, as server/codec/redaction.py describes: secrets are replaced before anything else is done with
// them.
#pragma once

#include "redaction_text.hpp"
#include "value.hpp"

namespace lognotary {

// How many secrets each rule has replaced.
struct Redacted {
  std::array<uint32_t, kRedactionRules> by_rule{};
  bool any = false;

  void count(RedactionRule rule) {
    ++by_rule[rule];
    any = true;
  }
};

// A value that was replaced by a commitment to it.
struct Disclosed {
  RedactionRule rule;
  std::string salt;
  std::string value;
  std::string commitment;  // in hexadecimal
};

class Redactor {
 public:
  // `redaction` must outlive the redactor.
  explicit Redactor(const Redaction& redaction)
      : redaction_(redaction), scanner_(redaction), on_(redaction.on()) {}

  bool on() const { return on_; }
  bool discloses() const { return redaction_.discloses(); }

  // Begins a request: the salts of its commitments follow from a seed, as server/codec/disclosures.py has it. Makes at
  // most so many; the secrets behind those are left out, as the request is refused.
  void begin(View seed, uint64_t most) {
    seed_ = seed;
    most_ = most;
    has_too_many_ = false;
    disclosed_.clear();
  }

  // True if there were more secrets to commit to since then.
  bool has_too_many() const { return has_too_many_; }

  // What was replaced by commitments since then, in order.
  const std::vector<Disclosed>& disclosed() const { return disclosed_; }

  // What has been replaced; set it to begin anew, or to go on from what its owners have.
  Redacted& redacted() { return redacted_; }

  // Returns the Redactions column, or nothing; until the next call.
  View redactions();

  // Returns what makes a key secret, `Redaction::kKept`, or null.
  const KeyWord* find(View key) { return redaction_.find(key, scanner_.scratch()); }

  // Redacts a text; the result lives as long as the text and the arena.
  View redact_text(View text, Arena& arena) {
    return scanner_.may_find(text) ? redact_found(text, arena) : text;  // most texts have nothing that looks like one
  }

  // Redacts a value, but nothing within an array or key-value list: as_text does that.
  void redact_value(Value& value, Arena& arena) {
    if (value.kind == Kind::kString) {
      value.bytes = redact_text(value.bytes, arena);
    } else if (value.kind == Kind::kBytes) {
      if (is_utf8(value.bytes)) value.bytes = redact_text(value.bytes, arena);  // as rules see them
    } else if (value.kind == Kind::kInt || value.kind == Kind::kDouble) {
      redact_number(value, arena);
    }
  }

  // Does the same for the value of a key, of which `word` says what `find` has found. Returns false if nothing within
  // the value may be redacted either.
  bool redact_value(const KeyWord* word, Value& value, Arena& arena) {
    if (word == &Redaction::kKept) return false;
    if (word == nullptr || !redact_whole(*word, value, arena)) redact_value(value, arena);
    return true;
  }

 private:
  View redact_found(View text, Arena& arena);
  void redact_number(Value& value, Arena& arena);
  bool redact_whole(const KeyWord& word, Value& value, Arena& arena);
  void append_commitment(std::string& out, RedactionRule rule, View secret);
  void append_mark(std::string& out, RedactionRule rule, View secret);
  void replace(Value& value, RedactionRule rule, View secret, Arena& arena);

  const Redaction& redaction_;
  TextScanner scanner_;
  const bool on_;
  Redacted redacted_;
  std::string made_, redactions_;
  View seed_;
  uint64_t most_ = UINT64_MAX;
  bool has_too_many_ = false;
  std::vector<Disclosed> disclosed_;
};

}  // namespace lognotary
