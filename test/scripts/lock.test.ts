import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, '../..', name), 'utf8'));

test('`npm ci` asks nobody but the registry: the script by which onnxruntime-node fetches CUDA libraries is not run', () => {
  // Newer versions of npm (such as 11.19) heed package.json; older ones run what the lock file says has a script.
  expect(read('package.json').allowScripts).toMatchObject({ 'onnxruntime-node': false });
  const locked = read('package-lock.json').packages['node_modules/onnxruntime-node'];
  expect(locked.version).toBeDefined();
  // Where `npm update` has put "hasInstallScript" back, take the line out again.
  expect(locked.hasInstallScript).toBeUndefined();
});

test('every package with a script of its own is allowed to run it or not', () => {
  const { packages } = read('package-lock.json') as { packages: Record<string, { hasInstallScript?: boolean }> };
  const scripted = Object.keys(packages).filter((path) => path !== '' && packages[path]?.hasInstallScript);
  const names = scripted.map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  expect(Object.keys(read('package.json').allowScripts)).toEqual(expect.arrayContaining(names));
});
