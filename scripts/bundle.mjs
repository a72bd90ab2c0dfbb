// Makes few files of the hundreds in dist, and of packages that consist of many small files or of much that we do not use:
// to find, read and link them takes longer than what most commands do. The programs keep their places; the library, and what
// they share, is in dist/chunks. dist/native.js (bundle-native.mjs) and dist/errors.js stay files of their own, so that there
// is one addon and one TascnetError for `instanceof`. What else tsc wrote stays, in the checkout.
import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { putWhole } from './whole-file.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const chunks = join(dist, 'chunks');

const LIBRARY = 'index';
const PROGRAMS = ['cli/main', 'search/proposer', 'search/trial-worker', 'validate/worker', 'formats/hdf5-worker'];
/** Packages that become part of the chunks; what they depend on does as well. */
const BUNDLED = ['csv-parse', 'ml-matrix', 'zod'];
const NOTICES = 'LICENSES.txt';

// All outputs lie one folder below dist, so that one path leads from each to these.
const own = ({ path, resolveDir }) => {
  const file = relative(dist, join(resolveDir, path));
  return file === 'native.js' || file === 'errors.js' ? { path: `../${file}`, external: true } : undefined;
};
const ofOthers = ({ path, importer, kind }) => {
  const part = BUNDLED.some((name) => path === name || path.startsWith(`${name}/`)) || !importer.startsWith(dist);
  return kind === 'entry-point' || (part && !path.startsWith('node:')) ? undefined : { path, external: true };
};

const { outputFiles, metafile } = await build({
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  metafile: true,
  write: false,
  logLevel: 'warning',
  absWorkingDir: root,
  entryPoints: [
    { in: join(dist, `${LIBRARY}.js`), out: `chunks/${LIBRARY}` },
    ...PROGRAMS.map((program) => ({ in: join(dist, `${program}.js`), out: program })),
  ],
  chunkNames: 'chunks/[name]-[hash]',
  outdir: dist,
  plugins: [
    {
      name: 'externals',
      setup: ({ onResolve }) => {
        onResolve({ filter: /^\.\.?\// }, own);
        onResolve({ filter: /^[^./]/ }, ofOthers);
      },
    },
  ],
});

for (const { path, contents } of outputFiles) putWhole(path, contents);
// npx makes the command executable once for each path: a second clone in the same place would be left without.
chmodSync(join(dist, 'cli', 'main.js'), 0o755);
putWhole(join(dist, `${LIBRARY}.js`), `export * from './chunks/${LIBRARY}.js';\n`);

// The licences of the packages ask to go with them.
const inputs = Object.keys(metafile.inputs).map((input) => join(root, input));
const packages = inputs
  .filter((input) => !input.startsWith(dist))
  .map((input) => {
    const folder = /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(input.replaceAll('\\', '/'))?.[0];
    if (folder === undefined) throw new Error(`${input} is neither ours nor of a package.`);
    return folder;
  });
const notices = [...new Set(packages)].sort().map((folder) => {
  const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  if (licence === undefined) throw new Error(`${folder} has no licence file, which would have to go with its code.`);
  const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`;
});
putWhole(join(chunks, NOTICES), notices.join(`\n${'-'.repeat(80)}\n\n`));

// Programs that began before this one import more of what was there then.
const DAY = 24 * 60 * 60 * 1000;
const written = new Set([...outputFiles.map(({ path }) => basename(path)), NOTICES]);
for (const file of readdirSync(chunks).filter((each) => !written.has(each)))
  if (Date.now() - statSync(join(chunks, file)).mtimeMs > DAY) rmSync(join(chunks, file));
