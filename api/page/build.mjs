// Builds the page into dist/ (or the folder given): the same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.resolve(process.argv[2] ?? path.join(here, "dist"));
const common = {
  absWorkingDir: here,
  bundle: true,
  preserveSymlinks: true, // packages may lie elsewhere: the bytes stay the same
  minify: true,
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  loader: { ".json": "json" },
};

await rm(out, { recursive: true, force: true });
await mkdir(path.join(out, "report"), { recursive: true });

const page = await build({
  ...common,
  entryPoints: { app: "src/main.ts" },
  outdir: path.join(out, "assets"),
  format: "esm",
  splitting: true,
  metafile: true,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
});
const report = await build({
  ...common,
  metafile: true,
  entryPoints: { report: "src/report.ts" },
  outdir: path.join(out, "report"),
  format: "iife",
});

const made = Object.entries(page.metafile.outputs).map(([file, about]) => ({ name: path.basename(file), about }));
const entry = made.find(({ about }) => about.entryPoint === "src/main.ts");
const styles = path.basename(entry.about.cssBundle);
const chunks = made.filter(({ name }) => name.endsWith(".js") && name !== entry.name).map(({ name }) => name).sort();
const index = await readFile(path.join(here, "src/index.html"), "utf8");
await writeFile(
  path.join(out, "index.html"),
  index
    .replace("%STYLES%", `/assets/${styles}`)
    .replace("%SCRIPT%", `/assets/${entry.name}`)
    .replace("%PRELOADS%", chunks.map((name) => `<link rel="modulepreload" href="/assets/${name}">`).join("\n    ")),
);

// The licences of what is in the bundles.
const packages = new Set();
for (const input of [...Object.keys(page.metafile.inputs), ...Object.keys(report.metafile.inputs)]) {
  const found = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found) packages.add(found[1]);
}
let notices = "The page contains the following packages.\n";
for (const name of [...packages].sort()) {
  const folder = path.join(here, "node_modules", name);
  const { version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
  notices += `\n${"=".repeat(80)}\n${name} ${version} (${license})\n\n`;
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .filter((entry) => /^(licen[cs]e|notice)/i.test(entry));
  for (const file of files.sort()) notices += `${(await readFile(path.join(folder, file), "utf8")).trim()}\n`;
}
await writeFile(path.join(out, "THIRD-PARTY.txt"), notices);

// What was built from which sources: lets a test without Node see that sources changed and the build did not.
const sources = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"];
for (const name of await readdir(path.join(here, "src"), { recursive: true, withFileTypes: true })) {
  if (name.isFile()) sources.push(path.relative(here, path.join(name.parentPath ?? name.path, name.name)));
}
const digest = createHash("sha256");
for (const name of sources.map((file) => file.split(path.sep).join("/")).sort()) {
  digest.update(`${name}\0`).update(await readFile(path.join(here, name))).update("\0");
}
await writeFile(path.join(out, "sources.sha256"), `${digest.digest("hex")}\n`);
