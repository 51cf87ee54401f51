// Builds the explorer into ../static: index.html with its assets, and bundle.html, the page for evidence bundles.
//
//   node build.mjs           once, minified
//   node build.mjs --watch   at each change, for development
//
// The same sources and the same lock file give the same bytes.
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const web = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(web, "..", "static");
const watches = process.argv.includes("--watch");

const common = {
  absWorkingDir: web,
  bundle: true,
  minify: !watches,
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  charset: "utf8",
  legalComments: "none", // licences.txt has them all
  metafile: true,
  write: false,
  logLevel: "warning",
};

/** Split into modules that the browser loads when a page needs them; named by their content, so cached for ever. */
const explorer = {
  ...common,
  entryPoints: { explorer: "main.tsx", styles: "styles/main.css" },
  outdir: path.join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  format: "esm",
  splitting: true,
};

/** One script and one style sheet, which are written into the file itself. */
const bundle = {
  ...common,
  entryPoints: { script: "bundle/main.tsx", styles: "styles/bundle.css" },
  outdir: path.join(out, "bundle"),
  format: "iife",
};

async function writeExplorer(result) {
  await rm(path.join(out, "assets"), { recursive: true, force: true });
  await mkdir(path.join(out, "assets"), { recursive: true });
  for (const file of result.outputFiles) await writeFile(file.path, file.contents);
  const entries = Object.entries(result.metafile.outputs).filter(([, output]) => output.entryPoint);
  const asset = (source) => {
    const [file] = entries.find(([, output]) => output.entryPoint === source);
    return `/assets/${path.basename(file)}`;
  };
  const icon = await readFile(path.join(web, "icon.svg"));
  await writeFile(path.join(out, "assets", "icon.svg"), icon);
  const page = await readFile(path.join(web, "index.html"), "utf8");
  const preloads = importsOf(result.metafile.outputs, "main.tsx")
    .map((file) => `<link rel="modulepreload" href="/assets/${path.basename(file)}">`)
    .join("\n");
  const filled = page
    .replace("@styles@", asset("styles/main.css"))
    .replace("@preloads@", preloads)
    .replace("@script@", asset("main.tsx"));
  await writeFile(path.join(out, "index.html"), filled);
  await writePackages(result.metafile);
}

/** The modules that an entry needs before it runs, of those that the browser would find one after the other. */
function importsOf(outputs, source) {
  const found = new Set();
  const collect = ({ imports }) => {
    for (const { path: file, kind } of imports) {
      if (kind !== "import-statement" || found.has(file)) continue;
      found.add(file);
      collect(outputs[file]);
    }
  };
  collect(Object.values(outputs).find(({ entryPoint }) => entryPoint === source));
  return [...found];
}

async function writeBundlePage(result) {
  const text = (suffix) => result.outputFiles.find((file) => file.path.endsWith(suffix)).text.trim();
  // A closing tag in a text of the script would end the element.
  const script = text(".js").replaceAll(/<(?=\/script|!--)/gi, "<\\");
  const styles = text(".css");
  const page = await readFile(path.join(web, "bundle", "page.html"), "utf8");
  const digest = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
  // The file is handed on without the others, so it has the licences of what is in it.
  const licences = licencesOf(await packagesOf(Object.keys(result.metafile.inputs)));
  if (/<\/?script|<!--|<\/style/i.test(licences + styles))
    throw new Error("a licence or a style would end its element");
  const parts = { script, styles, licences, "script-digest": digest(script), "styles-digest": digest(styles) };
  const filled = page.replace(/@(script-digest|styles-digest|script|styles|licences)@/g, (_, name) => parts[name]);
  await writeFile(path.join(out, "bundle.html"), filled);
  await writePackages(result.metafile);
}

/** Sources of both results. */
const inputs = new Set();

/** What others wrote of the scripts: packages.json for bills of materials, and licences.txt. */
async function writePackages(metafile) {
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  const packages = await packagesOf(inputs);
  const listed = packages.map(({ name, version, license, integrity }) => ({ name, version, license, integrity }));
  await writeFile(path.join(out, "packages.json"), `${JSON.stringify(listed, null, 2)}\n`);
  await writeFile(path.join(out, "licences.txt"), licencesOf(packages));
}

async function packagesOf(sources) {
  const found = [...sources].map((source) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1]);
  const lock = JSON.parse(await readFile(path.join(web, "package-lock.json"), "utf8"));
  const packages = [];
  for (const name of [...new Set(found.filter(Boolean))].sort()) {
    const place = `node_modules/${name}`;
    const { version, license } = JSON.parse(await readFile(path.join(web, place, "package.json"), "utf8"));
    const text = await readFile(path.join(web, place, "LICENSE"), "utf8");
    packages.push({ name, version, license, integrity: lock.packages[place].integrity, text: text.trim() });
  }
  return packages;
}

const licencesOf = (packages) =>
  packages
    .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`)
    .join(`\n${"-".repeat(80)}\n\n`);

/** Styles in the folder of a feature apply to its pages only, so that features may name things alike. */
const scoping = {
  name: "scope",
  setup: (build) =>
    build.onLoad({ filter: /[\\/](search|trace|subject|record|logs)[\\/][^\\/]+\.css$/ }, async ({ path: file }) => {
      const text = await readFile(file, "utf8");
      const imports = text.match(/^@import .*$/gm) ?? [];
      const rules = text.replace(/^@import .*$/gm, "");
      const feature = path.basename(path.dirname(file));
      return { loader: "css", contents: `${imports.join("\n")}\n:where(.feature-${feature}) {\n${rules}\n}` };
    }),
};

const writing = (write) => ({
  name: "write",
  setup: (build) => build.onEnd((result) => (result.errors.length ? undefined : write(result))),
});

await mkdir(out, { recursive: true });
for (const [options, write] of [
  [explorer, writeExplorer],
  [bundle, writeBundlePage],
]) {
  const context = await esbuild.context({ ...options, plugins: [scoping, writing(write)] });
  if (watches) await context.watch();
  else {
    await context.rebuild();
    await context.dispose();
  }
}
