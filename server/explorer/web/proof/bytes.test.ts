import assert from "node:assert/strict";
import test from "node:test";
import { base64Of, fromBase64, hexOf } from "./bytes";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Return whether a text is what its own bytes are encoded as. */
function isCanonical(text: string): boolean {
  try {
    return base64Of(fromBase64(text, "it")) === text;
  } catch {
    return false;
  }
}

test("bytes have one text in base64: all others that decoders take for the same bytes are refused", () => {
  for (const last of DIGITS) {
    for (const text of [`AAAAA${last}==`, `AAAAAA${last}=`, `AAAAAAA${last}`]) {
      const encoded = Buffer.from(text, "base64").toString("base64");
      assert.equal(isCanonical(text), encoded === text, text);
    }
  }
});

test("padding in other places, and other signs, are not base64", () => {
  for (const text of ["", "A", "AA", "AAA", "A===", "====", "AA=A", "A=AA", "AAAA=", "AA\n=", "AA-_", "AA==AA=="]) {
    assert.throws(() => fromBase64(text, "it"), /it is not base64/, text);
  }
});

test("bytes of any length come back", () => {
  for (let length = 1; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) % 256);
    assert.equal(hexOf(fromBase64(base64Of(bytes), "it")), hexOf(bytes));
  }
});
