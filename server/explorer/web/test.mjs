// Runs the unit tests, *.test.ts, in Node's test runner: node test.mjs [part of a path ...]
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const web = path.dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const all = await readdir(web, { recursive: true });
const tests = all
  .filter((file) => /\.test\.tsx?$/.test(file) && !file.startsWith("node_modules"))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
const out = await mkdtemp(path.join(web, "node_modules", ".tests-"));
try {
  await esbuild.build({
    absWorkingDir: web,
    entryPoints: tests,
    outdir: out,
    outbase: web,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    jsx: "automatic",
    jsxImportSource: "preact",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = tests.map((file) => path.join(out, file.replace(/\.tsx?$/, ".mjs")));
  process.exitCode =
    spawnSync(process.execPath, ["--enable-source-maps", "--test", ...files], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
