// What libFuzzer, or standalone.cpp, calls: the compiled codec over bytes that anybody may have sent as a logs request.
#include "rules_program.hpp"
#include "table_checks.hpp"

namespace {

using lognotary::LogEncoder;
using lognotary::Rules;
using lognotary::fuzz::Columns;
using namespace lognotary::log_columns;

const Rules& rules() {
  static const Rules made(lognotary::View(reinterpret_cast<const char*>(kRulesProgram), sizeof kRulesProgram));
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
