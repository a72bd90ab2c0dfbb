#!/usr/bin/env node
/**
 * The main job on data that comes with the project: a small CNN that knows the digits 0 to 4 is fitted to 5 to 9 and made
 * smaller. Further arguments go to `tascnet run`. A demo that was stopped goes on; one that is done begins anew.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const data = 'runs/demo-digits';
const out = 'runs/demo';

node('scripts/demo/digits.mjs', '--out', data);
const record = join(root, out, 'run.json');
const unfinished = existsSync(record) && JSON.parse(readFileSync(record, 'utf8')).status !== 'done';
if (unfinished) {
  node('dist/cli/main.js', 'run', '--resume', out, ...process.argv.slice(2));
} else {
  rmSync(join(root, out), { recursive: true, force: true });
  const job = ['--model', 'demo/digits-0-4.onnx', '--data', data, '--out', out, '--preset', 'quick'];
  // A digit's mirror image is none: no augmentation.
  const choices = ['--augment', 'none', '--epochs', '18', '--target-macs', '0.3'];
  node('dist/cli/main.js', 'run', ...job, ...choices, ...process.argv.slice(2));
}

function node(...command) {
  const { status, error } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}
