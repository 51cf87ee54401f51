// What libFuzzer, or standalone.cpp, calls: the compiled codec over bytes that anybody may have sent as a logs request.
#include <initializer_list>
#include <utility>

#include "table_checks.hpp"

namespace {

using lognotary::LogEncoder;
using lognotary::Rules;
using lognotary::fuzz::Columns;
using namespace lognotary::log_columns;

// Every kind of condition and of source. Keys are short: the fuzzer finds them sooner.
Rules make_rules() {
  Rules rules(lognotary::Words{
      {{"success", "success"}, {"ok", "success"}, {"", "unknown"}},
      {"admin", "auth"},
      {{"log", "auth"}, {"grant", "admin"}},
      {{"user", "admin"}, {"host", "system"}},
  });
  const auto match = [&](const char* event_name, const char* scope, const char* service, int severity_min,
                         std::initializer_list<std::pair<const char*, const char*>> attributes) {
    rules.add_match(event_name, scope, service, severity_min);
    for (const auto& [key, pattern] : attributes) rules.add_attribute(key, pattern);
  };
  rules.add_rule("attributes");
  match("", "", "", 0, {{"audit", "*"}});
  match("", "", "", 0, {{"a", "x*"}, {"b", ""}});
  match("", "", "", 200, {{"a", "*"}});
  for (int field = 0; field < lognotary::kFields; ++field) {
    rules.add_source(field, "log:a");
    rules.add_source(field, "resource:a");
    rules.add_source(field, "scope:a");
    rules.add_source(field, "body");
  }
  rules.add_rule("texts");
  match("audit.*", "", "", 0, {});
  match("e", "", "", 0, {});
  match("", "scope*", "svc", 0, {});
  match("", "*", "*", 17, {});
  rules.add_source(lognotary::kActionField, "event_name");
  rules.add_source(lognotary::kActionField, "log:event.name");
  rules.add_source(lognotary::kActorIdField, "scope_name");
  rules.add_source(lognotary::kActorTypeField, "=user");
  rules.add_source(lognotary::kTargetIdField, "service_name");
  rules.add_source(lognotary::kTargetTypeField, "log:b");
  rules.add_source(lognotary::kOutcomeField, "log:code");
  rules.add_source(lognotary::kOutcomeField, "=200");
  rules.add_source(lognotary::kCategoryField, "body");
  // More attributes than there are bits in a mask.
  rules.add_rule("many");
  for (int i = 0; i < 70; ++i) match("", "", "", 0, {{("k" + std::to_string(i)).c_str(), "v"}});
  return rules;
}

const Rules& rules() {
  static const Rules made = make_rules();
  return made;
}

const std::map<int, size_t> kWidths = {
    {lognotary::kTimestamp, 8}, {kTraceFlags, 1}, {kSeverityNumber, 1}, {kObservedTimestamp, 8}, {kFlags, 4},
    {kDroppedAttributesCount, 4}, {kIngestedAt, 8},
};
const Columns kAudit{"audit", lognotary::kAuditColumns, kWidths, {}, {}, {}};
const Columns kOperational{"operational", lognotary::kOperationalColumns, kWidths, {}, {}, {}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static LogEncoder kept(rules(), lognotary::fuzz::kLimits, lognotary::fuzz::redaction());
  LogEncoder fresh(rules(), lognotary::fuzz::kLimits, lognotary::fuzz::redaction());
  lognotary::fuzz::encode_twice(data, size, kept, fresh, [&] {
    lognotary::fuzz::check_table(kept.audit(), kAudit);
    lognotary::fuzz::check_table(kept.operational(), kOperational);
    lognotary::fuzz::check_same(kept.audit(), fresh.audit(), kAudit);
    lognotary::fuzz::check_same(kept.operational(), fresh.operational(), kOperational);
  });
  return 0;
}
