import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';
import { DIGITS, tascnet } from './tascnet.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));
const data = join(folder, 'data');

beforeAll(async () => {
  for (const [label, shade] of [
    ['dark', 40],
    ['light', 200],
  ] as const) {
    mkdirSync(join(data, label), { recursive: true });
    for (let index = 0; index < 30; index++) {
      const background = { r: shade + index, g: shade, b: shade };
      const image = sharp({ create: { width: 28, height: 28, channels: 3, background } });
      await image.png().toFile(join(data, label, `${index}.png`));
    }
  }
});

test('Ctrl-C stops after the checkpoint with exit code 130, and --resume goes on', async () => {
  const out = join(folder, 'run');
  const budget = ['--epochs', '12', '--trials', '2', '--trial-epochs', '1', '--depth', '1', '--steps', '1'];
  const job = ['run', '--model', DIGITS, '--data', data, '--out', out, '--augment', 'none', ...budget];
  const env = { TASCNET_CACHE: process.env.TASCNET_CACHE ?? '' };
  let isSent = false;
  const stopped = await tascnet(job, {
    env,
    onStderr: (text, kill) => {
      if (isSent || !/original, epoch 2\//.test(text)) return;
      isSent = true;
      kill('SIGINT');
    },
  });
  expect(stopped.stderr).toMatch(/Stopping at the next checkpoint/);
  expect(stopped.stderr).toContain(`tascnet run --resume ${out}`);
  expect([stopped.code, stopped.stdout]).toEqual([130, '']);
  const again = await tascnet(job, { env });
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('already holds a run')]);
  const resumed = await tascnet(['run', '--resume', out, '--json', '--quiet'], { env });
  expect([resumed.code, resumed.stderr]).toEqual([0, '']);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ status: 'done', result: { stage2: { accuracy: { n: 12 } } } });
}, 240_000);
