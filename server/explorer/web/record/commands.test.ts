import assert from "node:assert/strict";
import test from "node:test";
import { bundleName, canonicalQuery, checkCommand, hashCommand, proveCommand } from "./commands";

const PLACE = { origin: "shop/audit/node-1", logId: "52ee01323c348f62", leaf: "64" };

test("commands name the record as the command line does", () => {
  assert.equal(proveCommand(PLACE, "record.html"), "lognotary prove 'shop/audit/node-1#64' -o record.html");
  assert.equal(checkCommand("record.html"), "lognotary check record.html --public-key public-key.pem");
});

test("a log's name cannot end the word of a command", () => {
  const command = proveCommand({ ...PLACE, origin: "a'; rm -rf ~; '" }, "x");
  assert.equal(command, `lognotary prove 'a'"'"'; rm -rf ~; '"'"'#64' -o x`);
});

test("a log's name cannot be an option of a command, nor begin the name of a file as one", () => {
  const place = { ...PLACE, origin: "--output=/x" };
  assert.equal(proveCommand(place, bundleName(place, "zip")), "lognotary prove -o output-x-64.zip -- '--output=/x#64'");
  assert.equal(bundleName({ ...PLACE, origin: "///" }, "zip"), "64.zip");
});

test("a file is named after its record, without signs that file systems do not have", () => {
  assert.equal(bundleName(PLACE, "html"), "shop-audit-node-1-64.html");
  assert.equal(bundleName({ ...PLACE, origin: '../"x' }, "zip"), "..-x-64.zip");
});

test("the query has the columns of the stream and version in their order, with sorted maps", () => {
  const first = canonicalQuery(PLACE, "audit", 1);
  assert.match(first, /^SELECT Timestamp, TraceId, .*mapSort\(\(k, v\) -> \(k, v\), ResourceAttributes\)/);
  assert.match(
    first,
    /AuditRule FROM audit_logs WHERE LogId = '52ee01323c348f62' AND LeafIndex = 64 FORMAT RowBinary$/,
  );
  const span = canonicalQuery(PLACE, "spans", 2);
  assert.match(span, /^SELECT toInt64\(-2\), Tenant, /);
  assert.ok(span.includes("`Events.Name`, arrayMap(m -> mapSort((k, v) -> (k, v), m), `Events.Attributes`), `Links"));
  assert.match(span, / FROM otel_traces /);
});

test("the query is one word of the shell", () => {
  const command = hashCommand(PLACE, "operational", 2);
  assert.match(command, /^clickhouse-client --database lognotary --query '/);
  assert.match(command, /LogId = '"'"'52ee01323c348f62'"'"' AND LeafIndex = 64 FORMAT RowBinary' \| sha256sum$/);
});
