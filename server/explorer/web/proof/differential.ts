/** Checks many bundles, for comparison with check.py: a JSON object a line, on standard input and output. */
import { createInterface } from "node:readline";
import { checkBundle } from "./bundle";
import { hexOf } from "./bytes";
import { jsonText } from "./json";
import { parseKey, verifierKeyOf } from "./keys";
import { checkConsistency } from "./merkle";
import { readableOf } from "./readable";

type Case =
  | { kind: "bundle"; files: Record<string, string>; keys: string[]; witnesses: string[] }
  | { kind: "key"; text: string }
  | { kind: "consistency"; first: string; second: string; roots: [string, string]; proof: string[] };

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, "base64"));

async function verdictOn(given: Case): Promise<unknown> {
  switch (given.kind) {
    case "bundle":
      return verdictOnBundle(given);
    case "key": {
      const key = await parseKey(given.text).catch(refused);
      return key && { type: key.type, key: key.name ? verifierKeyOf(key) : hexOf(key.publicKey) };
    }
    case "consistency": {
      const [first, second, ...proof] = [...given.roots, ...given.proof].map(bytesOf) as [Uint8Array, Uint8Array];
      const check = checkConsistency(BigInt(given.first), BigInt(given.second), first, second, proof);
      return check.then(() => true, refused);
    }
  }
}

async function verdictOnBundle({ files, keys, witnesses }: Case & { kind: "bundle" }): Promise<unknown> {
  const contents = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, bytesOf(content)]));
  const [own, others] = await Promise.all([keys, witnesses].map((texts) => Promise.all(texts.map(parseKey))));
  const report = await checkBundle(contents, own ?? [], others);
  return {
    isProved: report.isProved,
    steps: report.steps.map(({ name, ok }) => [name, ok]),
    details: report.steps.map(({ detail }) => detail),
    record: report.record ? jsonText(readableOf(report.record)) : "",
    disclosed: jsonText(report.disclosed),
    notChecked: report.notChecked,
  };
}

function refused(error: unknown): null {
  if (error instanceof Error && error.name === "VerificationError") return null;
  throw error;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await verdictOn(JSON.parse(line) as Case)));
  } catch (error) {
    console.log(JSON.stringify({ crashed: error instanceof Error ? error.stack : String(error) }));
  }
}
