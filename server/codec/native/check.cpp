#include "check.hpp"

#include "messages.hpp"

namespace lognotary {
namespace {

enum Type { kText, kRequest, kResourceLogs, kScopeLogs, kResource, kScope, kLogRecord, kEntityRef, kKeyValue, kAnyValue,
            kArrayValue, kKeyValueList };

// The delimited fields that are more than bytes.
struct Field {
  Type message;
  uint32_t number;
  Type content;
};
constexpr Field kFields[] = {
    {kRequest, 1, kResourceLogs},   {kResourceLogs, 1, kResource}, {kResourceLogs, 2, kScopeLogs},
    {kResourceLogs, 3, kText},      {kScopeLogs, 1, kScope},       {kScopeLogs, 2, kLogRecord},
    {kScopeLogs, 3, kText},         {kResource, 1, kKeyValue},     {kResource, 3, kEntityRef},
    {kScope, 1, kText},             {kScope, 2, kText},            {kScope, 3, kKeyValue},
    {kLogRecord, 3, kText},         {kLogRecord, 5, kAnyValue},    {kLogRecord, 6, kKeyValue},
    {kLogRecord, 12, kText},        {kEntityRef, 1, kText},        {kEntityRef, 2, kText},
    {kEntityRef, 3, kText},         {kEntityRef, 4, kText},        {kKeyValue, 1, kText},
    {kKeyValue, 2, kAnyValue},      {kAnyValue, 1, kText},         {kAnyValue, 5, kArrayValue},
    {kAnyValue, 6, kKeyValueList},  {kArrayValue, 1, kAnyValue},   {kKeyValueList, 1, kKeyValue},
};

// The official parser does not know ResourceLogs' old field: it is read once the rest is found to be well-formed.
constexpr Field kOldField = {kResourceLogs, kLibraryLogsNumber, kScopeLogs};

void check(View message, Type type, int depth, bool with_old) {
  for (Reader field(message, depth); field.next();) {
    if (with_old && type == kOldField.message && field.tag() == tag(kOldField.number, kDelimited)) {
      check(field.bytes(), kOldField.content, enter(depth), with_old);
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

}  // namespace

Refusal first_refusal(View request, Refusal found, Unread& unread) {
  try {
    check(request, kRequest, kMaxDepth, false);
    check(request, kRequest, kMaxDepth, true);
  } catch (const Refused& refused) {
    return refused.why;
  }
  return find_unread(request, unread) ? Refusal::kUnread : found;
}

}  // namespace lognotary
