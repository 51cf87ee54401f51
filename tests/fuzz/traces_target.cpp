// What libFuzzer, or standalone.cpp, calls: the compiled codec over bytes that anybody may have sent as a traces
// request.
#include "table_checks.hpp"

namespace {

using lognotary::SpanEncoder;
using lognotary::fuzz::Columns;
using namespace lognotary::span_columns;

const Columns kSpans{
    "spans",
    lognotary::kSpanColumns,
    {{lognotary::kTimestamp, 8}, {kDuration, 8}, {kEventTimestamps, 8}, {kFlags, 4}, {kDroppedAttributesCount, 4},
     {kDroppedEventsCount, 4}, {kDroppedLinksCount, 4}, {kIngestedAt, 8}},
    {{kEventTimestamps, kEvents}, {kLinkTraceIds, kLinks}, {kLinkSpanIds, kLinks}, {kLinkTraceStates, kLinks}},
    {{kEventNames, kEvents}},
    {{kEventAttributes, kEvents}, {kLinkAttributes, kLinks}},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static SpanEncoder kept(lognotary::fuzz::kLimits, lognotary::fuzz::redaction());
  SpanEncoder fresh(lognotary::fuzz::kLimits, lognotary::fuzz::redaction());
  lognotary::fuzz::encode_twice(data, size, kept, fresh, [&] {
    lognotary::fuzz::check_table(kept.spans(), kSpans);
    lognotary::fuzz::check_same(kept.spans(), fresh.spans(), kSpans);
  });
  return 0;
}
