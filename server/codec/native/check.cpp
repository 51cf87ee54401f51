#include "check.hpp"

#include "messages.hpp"

namespace lognotary {
namespace {

enum Type {
  kText, kLogsRequest, kResourceLogs, kScopeLogs, kLogRecord, kTracesRequest, kResourceSpans, kScopeSpans, kSpan,
  kEvent, kLink, kStatus, kResource, kScope, kEntityRef, kKeyValue, kAnyValue, kArrayValue, kKeyValueList
};

// The delimited fields that are more than bytes.
struct Field {
  Type message;
  uint32_t number;
  Type content;
};
constexpr Field kFields[] = {
    {kLogsRequest, 1, kResourceLogs},    {kResourceLogs, 1, kResource},    {kResourceLogs, 2, kScopeLogs},
    {kResourceLogs, 3, kText},           {kScopeLogs, 1, kScope},          {kScopeLogs, 2, kLogRecord},
    {kScopeLogs, 3, kText},              {kLogRecord, 3, kText},           {kLogRecord, 5, kAnyValue},
    {kLogRecord, 6, kKeyValue},          {kLogRecord, 12, kText},

    {kTracesRequest, 1, kResourceSpans}, {kResourceSpans, 1, kResource},   {kResourceSpans, 2, kScopeSpans},
    {kResourceSpans, 3, kText},          {kScopeSpans, 1, kScope},         {kScopeSpans, 2, kSpan},
    {kScopeSpans, 3, kText},             {kSpan, 3, kText},                {kSpan, 5, kText},
    {kSpan, 9, kKeyValue},               {kSpan, 11, kEvent},              {kSpan, 13, kLink},
    {kSpan, 15, kStatus},                {kEvent, 2, kText},               {kEvent, 3, kKeyValue},
    {kLink, 3, kText},                   {kLink, 4, kKeyValue},            {kStatus, 2, kText},

    {kResource, 1, kKeyValue},           {kResource, 3, kEntityRef},       {kScope, 1, kText},
    {kScope, 2, kText},                  {kScope, 3, kKeyValue},           {kEntityRef, 1, kText},
    {kEntityRef, 2, kText},              {kEntityRef, 3, kText},           {kEntityRef, 4, kText},
    {kKeyValue, 1, kText},               {kKeyValue, 2, kAnyValue},        {kAnyValue, 1, kText},
    {kAnyValue, 5, kArrayValue},         {kAnyValue, 6, kKeyValueList},    {kArrayValue, 1, kAnyValue},
    {kKeyValueList, 1, kKeyValue},
};

// The official parser does not know the old field of ResourceLogs and ResourceSpans: it is read once the rest is found
// to be well-formed.
constexpr Field kOldFields[] = {
    {kResourceLogs, kLibraryLogsNumber, kScopeLogs},
    {kResourceSpans, kLibraryLogsNumber, kScopeSpans},
};

void check(View message, Type type, int depth, bool with_old) {
  for (Reader field(message, depth); field.next();) {
    for (const Field& old : kOldFields) {
      if (!with_old || old.message != type || field.tag() != tag(old.number, kDelimited)) continue;
      check(field.bytes(), old.content, enter(depth), with_old);
    }
    for (const Field& known : kFields) {
      if (known.message != type || field.tag() != tag(known.number, kDelimited)) continue;
      if (known.content == kText) {
        text(field.bytes());
      } else {
        check(field.bytes(), known.content, enter(depth), with_old);
      }
    }
  }
}

uint64_t count_values(View message, Type type, int depth) {
  uint64_t count = 0;
  for (Reader field(message, depth); field.next();) {
    for (const Field& known : kFields) {
      if (known.message != type || known.content == kText || field.tag() != tag(known.number, kDelimited)) continue;
      count += known.content == kKeyValue || type == kArrayValue;
      count += count_values(field.bytes(), known.content, enter(depth));
    }
  }
  return count;
}

}  // namespace

uint64_t values_in(View record) { return count_values(record, kLogRecord, kMaxDepth); }

Refusal first_refusal(View request, Signal signal, Refusal found, Unread& unread) {
  const Type type = signal == Signal::kLogs ? kLogsRequest : kTracesRequest;
  try {
    check(request, type, kMaxDepth, false);
    check(request, type, kMaxDepth, true);
  } catch (const Refused& refused) {
    return refused.why;
  }
  return find_unread(request, signal, unread) ? Refusal::kUnread : found;
}

}  // namespace lognotary
