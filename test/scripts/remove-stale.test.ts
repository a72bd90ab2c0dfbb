import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { folderOf } from '../data/folders.js';

const script = join(import.meta.dirname, '../../scripts/remove-stale.mjs');

test('what was compiled from sources that are gone is removed, all else stays', async () => {
  const sources = await folderOf({ 'a/kept.ts': '', 'top.ts': '' });
  const of = (name: string) => ['.js', '.js.map', '.d.ts'].map((ending): [string, string] => [`${name}${ending}`, '']);
  const compiled = await folderOf(
    Object.fromEntries([...of('top'), ...of('a/kept'), ...of('a/gone'), ...of('old/deep/gone')]),
  );
  await promisify(execFile)(process.execPath, [script, sources, compiled]);
  const left = await readdir(compiled, { recursive: true });
  expect(left.sort()).toEqual(['a', ...of('a/kept').map(([name]) => name), ...of('top').map(([name]) => name)].sort());
});
