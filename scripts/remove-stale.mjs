// Removes from dist what was compiled from sources that are gone, so that it reaches neither a program nor the package.
// What is up to date stays where it is all along: programs that run from dist meanwhile are not disturbed.
//
//   node scripts/remove-stale.mjs [SOURCES] [COMPILED]
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const [sources = join(root, 'lib'), compiled = join(root, 'dist')] = process.argv.slice(2);

const entries = existsSync(compiled) ? readdirSync(compiled, { recursive: true, withFileTypes: true }) : [];
for (const entry of entries.filter((each) => each.isFile())) {
  const path = join(entry.parentPath, entry.name);
  const source = join(sources, relative(compiled, path)).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
  // Of dist/chunks bundle.mjs takes care.
  if (!existsSync(source) && !relative(compiled, path).startsWith('chunks')) rmSync(path);
}
const folders = entries.filter((each) => each.isDirectory()).map((each) => join(each.parentPath, each.name));
// The innermost first.
for (const folder of folders.sort((a, b) => b.length - a.length))
  if (readdirSync(folder).length === 0) rmdirSync(folder);
