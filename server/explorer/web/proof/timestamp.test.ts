import assert from "node:assert/strict";
import test from "node:test";
import { fromBase64, hexOf } from "./bytes";
import { VerificationError } from "./errors";
import { parseTimestamp, readTimestamp } from "./timestamp";

// Of the text "hello\n": openssl ts -reply.
const RESPONSE = fromBase64(
  [
    "MIIBzDADAgEAMIIBwwYJKoZIhvcNAQcCoIIBtDCCAbACAQMxDzANBglghkgBZQMEAgEFADBoBgsqhkiG9w0BCRABBKBZBFcwVQIBAQYEKgME",
    "ATAxMA0GCWCGSAFlAwQCAQUABCBYkbW1ItXfCG0P8LEQ+9nSG7T8cWOvNNCChqLoRva+AwIBARgPMjAyNjExMzAxODI0MDFaMAMCAQExggEu",
    "MIIBKgIBATAmMA4xDDAKBgNVBAMMA3RzYQIUWipWY4a+GPMGy/GZNtKqOvCoEF0wDQYJYIZIAWUDBAIBBQCggZgwGgYJKoZIhvcNAQkDMQ0G",
    "CyqGSIb3DQEJEAEEMBwGCSqGSIb3DQEJBTEPFw0yNjExMzAxODI0MDFaMCsGCyqGSIb3DQEJEAIMMRwwGjAYMBYEFGpCFmenhzcIkOtCVSLN",
    "1Trhc+uQMC8GCSqGSIb3DQEJBDEiBCB+/dSy/T3cmZnFizmSA4eEvV09PUeHbdgCjRjGTD8arzAKBggqhkjOPQQDAgRHMEUCIE3Lx1r/bZ66",
    "adPT/uLdzJZpAvIar46gD+7nqDaskwyhAiEA0yBF8Nw/aSMD1Q9k1EVJxQ2x9SvZpkJnIRANC0wL5H0=",
  ].join(""),
  "the response",
);

test("a response of OpenSSL has the hash that was stamped, and its time", () => {
  const { imprint, algorithm, time } = parseTimestamp(RESPONSE);
  assert.equal(hexOf(imprint), "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
  assert.equal(algorithm, "2.16.840.1.101.3.4.2.1"); // SHA-256;
  assert.equal(time, "2026-11-30T18:24:01Z");
});

test("a response that ends anywhere in the statement is refused", () => {
  for (let end = 0; end < 150; end += 1) {
    assert.throws(() => parseTimestamp(RESPONSE.subarray(0, end)), VerificationError, String(end));
  }
});

test("a refusal is not a timestamp", () => {
  const refused = Uint8Array.of(0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02);
  assert.throws(() => parseTimestamp(refused), /refused/);
});

test("a timestamp is of the text that was stamped and of no other, and what cannot be read is a problem", async () => {
  const time = "2026-11-30T18:24:01Z";
  assert.deepEqual(await readTimestamp(() => RESPONSE, "hello\n"), { time, isOf: "this text" });
  assert.deepEqual(await readTimestamp(() => RESPONSE, "hello"), { time, isOf: "another text" });
  const found = await readTimestamp(() => fromBase64("?", "the timestamp"), "hello\n");
  assert.deepEqual(found, { problem: "the timestamp is not base64" });
});
