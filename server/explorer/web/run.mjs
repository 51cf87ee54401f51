// Runs a program in TypeScript in Node: node run.mjs FILE
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const web = path.dirname(fileURLToPath(import.meta.url));
const out = await mkdtemp(path.join(web, "node_modules", ".run-"));
const outfile = path.join(out, "program.mjs");
try {
  await esbuild.build({
    absWorkingDir: web,
    entryPoints: [process.argv[2]],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "warning",
  });
  process.exitCode = spawnSync(process.execPath, ["--enable-source-maps", outfile], { stdio: "inherit" }).status ?? 1;
} finally {
  await rm(out, { recursive: true, force: true });
}
