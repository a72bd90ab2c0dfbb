import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { load } from '../../lib/formats/index.js';

const folder = mkdtempSync(join(tmpdir(), 'tascnet-image-size-'));
const data = join(folder, 'digits');
const rules = join(folder, 'rules.json');

beforeAll(() => {
  const made = spawnSync(process.execPath, ['scripts/demo/digits.mjs', '--out', data, '--per-digit', '40']);
  if (made.status !== 0) throw new Error(String(made.stderr));
  writeFileSync(
    rules,
    JSON.stringify([{ search: false }, { layers: 'network', choices: 'image-size', values: [20, 28] }]),
  );
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a run goes on at the image size that its search chose', async () => {
  const out = join(folder, 'run');
  const args = [
    ...['run', '--model', 'demo/digits-0-4.onnx', '--data', data, '--augment', 'none', '--epochs', '8', '--seed', '7'],
    ...['--trials', '3', '--trial-epochs', '1', '--depth', '1', '--space', rules, '--search-image-size', '20'],
    ...['--target-macs', '0.4', '--steps', '1', '--cuts', '1', '--tolerance', '100', '--compare', 'none'],
    ...['--out', out, '--json'],
  ];
  const ran = spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)]);
  const record = JSON.parse(ran.stdout) as {
    result: Record<'baseline' | 'stage1' | 'stage2', { macs: number; accuracy: { n: number } }>;
    targets: { got: number; met: boolean }[];
    notes: string[];
  };
  const { baseline, stage1, stage2 } = record.result;

  const graphs = await Promise.all(['baseline', 'stage1', 'model'].map((name) => load(join(out, `${name}.onnx`))));
  expect(graphs.map(({ inputs }) => inputs[0]?.dims?.slice(-2))).toEqual([
    [28, 28],
    [20, 20],
    [20, 20],
  ]);
  expect(graphs.map((graph) => costOf(graph).macs)).toEqual([baseline.macs, stage1.macs, stage2.macs]);
  expect(record.notes).toContain('The search chose images of 20×20; the original takes 28×28.');
  // What the smaller images save counts towards the target.
  expect(stage1.macs).toBeLessThan(0.6 * baseline.macs);
  expect(record.targets).toMatchObject([{ got: stage2.macs / baseline.macs, met: true }]);

  // On the same test images: the model says with which seed they were kept apart.
  const validate = (...more: string[]) => {
    const args = ['validate', join(out, 'model.onnx'), '--data', data, '--json', ...more];
    return spawnSync(process.execPath, ['dist/cli/main.js', ...args], { encoding: 'utf8' });
  };
  const validated = validate();
  expect(JSON.parse(validated.stdout)).toMatchObject({ accuracy: stage2.accuracy });
  expect(validated.stderr).not.toContain('seed');
  expect(validate('--seed', '1').stderr).toContain('made with --seed 7, but the test samples are those of 1');
}, 120_000);

test('a network on smaller images learns from the one on larger images', async () => {
  const model = join(folder, 'whole.onnx');
  const tascnet = (...args: string[]) =>
    spawnSync(process.execPath, ['dist/cli/main.js', ...args, '--json'], { encoding: 'utf8' });
  const common = ['--data', data, '--augment', 'shift', '--epochs', '1'];
  const tune = (from: string, out: string, ...more: string[]) =>
    tascnet('finetune', '--model', from, '--out', join(folder, out), ...common, ...more);
  expect(tune('demo/digits-0-4.onnx', 'whole.onnx').status).toBe(0);

  const weightsOf = async (out: string) => {
    const { inputs, initializers } = await load(join(folder, out));
    expect(inputs[0]?.dims?.slice(-2)).toEqual([20, 20]);
    return [...initializers.values()].map(({ data: values }) => values);
  };
  const small = ['--image-size', '20'];
  expect(tune(model, 'alone.onnx', ...small).status).toBe(0);
  for (const out of ['taught.onnx', 'again.onnx'])
    expect([tune(model, out, ...small, '--teacher', model).status, out]).toEqual([0, out]);
  const alone = await weightsOf('alone.onnx');
  const taught = await weightsOf('taught.onnx');
  expect(taught).not.toEqual(alone);
  expect(await weightsOf('again.onnx')).toEqual(taught);

  const half = ['--target-macs', '0.5', '--tolerance', '100', '--compare', 'none', '--teacher'];
  const from = ['prune', '--model', join(folder, 'taught.onnx'), '--out', join(folder, 'half.onnx')];
  expect(tascnet(...from, ...common, ...half, model)).toMatchObject({ status: 0 });
  await weightsOf('half.onnx');

  const unheard = tune(model, 'unheard.onnx', '--teacher', model, '--preset', 'paper');
  expect([unheard.status, unheard.stderr]).toEqual([2, expect.stringContaining('Nothing is learnt from --teacher')]);
  const nobody = tascnet(...from, ...common, ...half, join(folder, 'nobody.onnx'));
  expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining('nobody.onnx does not exist')]);
  const untrained = tascnet(...from, '--ratio', '0.5', '--teacher', model);
  expect([untrained.status, untrained.stderr]).toEqual([2, expect.stringContaining('nothing is trained here')]);
  const others = join(folder, 'others');
  spawnSync(process.execPath, [
    'scripts/demo/digits.mjs',
    '--out',
    others,
    '--per-digit',
    '20',
    '--digits',
    '0,1,2,3,4',
  ]);
  const stranger = tascnet(
    'finetune',
    '--model',
    model,
    '--data',
    others,
    '--out',
    join(folder, 'x.onnx'),
    '--teacher',
    model,
  );
  expect([stranger.status, stranger.stderr]).toEqual([
    1,
    expect.stringMatching(/Class 0 of the teacher .* is "5"; that of the data is "0"/),
  ]);
}, 240_000);
