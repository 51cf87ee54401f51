#include "check.hpp"

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

void check(View message, Type type, int depth) {
  for (Reader field(message, depth); field.next();) {
    for (const Field& known : kFields) {
      if (known.message != type || field.tag() != tag(known.number, kDelimited)) continue;
      if (known.content == kText) {
        text(field.bytes());
      } else {
        check(field.bytes(), known.content, enter(depth));
      }
    }
  }
}

}  // namespace

Refusal first_refusal(View request, Refusal found) {
  try {
    check(request, kRequest, kMaxDepth);
  } catch (const Refused& refused) {
    return refused.why;
  }
  return found;
}

}  // namespace lognotary
