#include "redaction.hpp"

#include <cmath>

#include "digest.hpp"
#include "scalar.hpp"

#ifdef LOGNOTARY_LIBCRYPTO
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#endif

namespace lognotary {
namespace {

#ifdef LOGNOTARY_LIBCRYPTO
void append_hex(std::string& out, const unsigned char* bytes, size_t count) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (size_t i = 0; i < count; ++i) {
    out += kHex[bytes[i] >> 4];
    out += kHex[bytes[i] & 15];
  }
}

// Returns SHA-256 of two texts, one after the other.
std::string sha256_of(View first, View second) {
  std::string joined(first), digest(kHashSize, '\0');
  joined += second;
  SHA256(reinterpret_cast<const unsigned char*>(joined.data()), joined.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// Appends the first digits of an HMAC-SHA-256 in hex.
void append_hmac(std::string& out, const std::string& key, View secret) {
  unsigned char digest[kHashSize];
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(secret.data()),
           secret.size(), digest, nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  append_hex(out, digest, kMarkDigits / 2);
}
#else
void append_hmac(std::string&, const std::string&, View) {}  // server/codec/choose.py takes the reference codec then
#endif

constexpr double kLeastCard = 1e12, kMostCard = 1e19;  // numbers of 13 to 19 digits

bool may_be_card(const Value& value) {
  if (value.kind == Kind::kInt) return static_cast<double>(static_cast<int64_t>(value.number)) >= kLeastCard;
  double number;
  std::memcpy(&number, &value.number, sizeof number);
  return number >= kLeastCard && number < kMostCard;
}

}  // namespace

View Redactor::redactions() {
  if (!redacted_.any) return View();
  redactions_ = '{';
  for (int i = 0; i < kRedactionRules; ++i) {
    const auto rule = static_cast<RedactionRule>(i);
    if (redacted_.by_rule[rule] == 0) continue;
    if (redactions_.size() > 1) redactions_ += ',';
    redactions_ += '"';
    redactions_ += redaction_.name(rule);
    redactions_ += "\":";
    append_int(redactions_, redacted_.by_rule[rule]);
  }
  redactions_ += '}';
  return redactions_;
}

View Redactor::redact_found(View text, Arena& arena) {
  const std::vector<Found>& found = scanner_.find(text);
  if (found.empty()) return text;
  made_.clear();
  size_t done = 0;
  for (const Found& secret : found) {
    made_ += text.substr(done, secret.start - done);
    made_ += secret.quote;
    append_mark(made_, secret.rule, text.substr(secret.start, secret.end - secret.start));
    made_ += secret.quote;
    done = secret.end;
  }
  made_ += text.substr(done);
  return arena.keep(made_);
}

void Redactor::redact_number(Value& value, Arena& arena) {
  if (!redaction_.on(kCardRule) || !may_be_card(value)) return;
  const View text = as_text(value, arena).text;
  size_t end = 0;
  Found found;
  if (find_card(text, 0, end, found) && found.end == text.size()) replace(value, kCardRule, text, arena);
}

bool Redactor::redact_whole(const KeyWord& word, Value& value, Arena& arena) {
  if (word.parameter || value.kind == Kind::kEmpty || value.kind == Kind::kBool) return false;
  if (word.counts && (value.kind == Kind::kInt || value.kind == Kind::kDouble)) return false;
  if (word.parts && has_parts(value, arena)) return false;
  const View text = as_text(value, arena).text;
  if (!scanner_.is_secret(word, text)) return false;
  replace(value, word.rule, text, arena);
  return true;
}

void Redactor::append_commitment([[maybe_unused]] std::string& out, [[maybe_unused]] RedactionRule rule,
                                 [[maybe_unused]] View secret) {
#ifdef LOGNOTARY_LIBCRYPTO
  const uint64_t number = disclosed_.size();
  const std::string salt = sha256_of(seed_, View(reinterpret_cast<const char*>(&number), sizeof number));
  const std::string digest = sha256_of(salt, secret);
  std::string commitment;
  append_hex(commitment, reinterpret_cast<const unsigned char*>(digest.data()), digest.size());
  out += ":sha256:";
  out += commitment;
  disclosed_.push_back({rule, salt, std::string(secret), std::move(commitment)});
#endif
}

void Redactor::append_mark(std::string& out, RedactionRule rule, View secret) {
  redacted_.count(rule);
  const RedactionMode mode = redaction_.mode(rule);
  if (mode == RedactionMode::kDisclose && disclosed_.size() >= most_) {
    has_too_many_ = true;  // the request is refused once it is read, so its texts need not grow any more
    return;
  }
  const bool hashed = mode == RedactionMode::kHash;
  out += hashed ? kHashed : kRemoved;
  out += redaction_.name(rule);
  if (hashed) {
    out += ':';
    append_hmac(out, redaction_.key(), secret);
  }
  if (mode == RedactionMode::kDisclose) append_commitment(out, rule, secret);
  out += ']';
}

void Redactor::replace(Value& value, RedactionRule rule, View secret, Arena& arena) {
  made_.clear();
  append_mark(made_, rule, secret);
  value = Value{Kind::kString, 0, arena.keep(made_), nullptr};
}

}  // namespace lognotary
