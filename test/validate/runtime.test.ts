import { readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { DIGITS, ended, MAIN } from '../cli/tascnet.js';
import { temporaryFolder } from '../data/folders.js';

test('measuring leaves nothing in the temporary folder, of ONNX Runtime neither', async () => {
  const folder = await temporaryFolder();
  const args = ['-u', 'ORT_DISABLE_TELEMETRY', process.execPath, MAIN, 'validate', DIGITS, '--quiet'];
  const { code } = await ended('env', args, { env: { TMPDIR: folder } });
  expect([code, readdirSync(folder)]).toEqual([0, []]);
});
