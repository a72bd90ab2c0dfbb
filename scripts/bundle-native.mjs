// Makes one file of dist/native.js and what it imports: a dozen small files take longer to be found and read than the rest
// of loading the addon. lib/errors.ts stays a file of its own, so that there is one TascnetError for `instanceof`.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { putWhole } from './whole-file.mjs';

const outfile = fileURLToPath(new URL('../dist/native.js', import.meta.url));
const errors = {
  name: 'errors',
  setup: ({ onResolve }) => onResolve({ filter: /\/errors\.js$/ }, () => ({ path: './errors.js', external: true })),
};
const options = { bundle: true, platform: 'node', format: 'esm', target: 'node20', sourcemap: true };
const { outputFiles } = await build({
  ...options,
  entryPoints: [outfile],
  outfile,
  plugins: [errors],
  write: false,
  allowOverwrite: true,
  logLevel: 'warning',
});
for (const { path, contents } of outputFiles) putWhole(path, contents);
