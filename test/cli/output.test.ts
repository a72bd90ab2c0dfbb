import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { wantsColor } from '../../lib/cli/color.js';
import { columns, printable } from '../../lib/cli/output.js';
import { DIGITS, MAIN, tascnet } from './tascnet.js';

const ESCAPE = String.fromCharCode(27);
const folder = mkdtempSync(join(tmpdir(), 'tascnet-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('inspect --json is one document of the documented form', async () => {
  const { code, stdout, stderr } = await tascnet(['inspect', DIGITS, '--json']);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  const facts = JSON.parse(stdout);
  expect(Object.keys(facts)).toEqual(
    expect.arrayContaining(['model', 'parameters', 'macs', 'inputs', 'outputs', 'nodes', 'groups', 'pinned']),
  );
  // Counted by hand from the layers of scripts/demo/make-model.py.
  expect(facts.nodes.find((node: { name: string }) => node.name === 'conv2')).toEqual({
    name: 'conv2',
    op: 'Conv',
    shape: ['N', 64, 14, 14],
    parameters: 32 * 64 * 9,
    macs: 32 * 64 * 9 * 14 * 14,
  });
  expect(facts.groups[0]).toMatchObject({ id: 'conv1.weight', channels: 32 });
  expect(facts.groups[0].members).toContainEqual({ tensor: 'conv2.weight', axis: 1 });
  expect(facts.pinned).toEqual([expect.objectContaining({ node: expect.stringContaining('logits') })]);
});

test('colours come only where they are wanted', async () => {
  const plain = await tascnet(['inspect', DIGITS]);
  expect(plain.stdout).not.toContain(ESCAPE);
  expect((await tascnet(['inspect', DIGITS], { env: { FORCE_COLOR: '1' } })).stdout).toContain(`${ESCAPE}[1m`);
  const terminal = { isTTY: true, hasColors: () => true };
  expect(wantsColor(terminal, {})).toBe(true);
  expect(wantsColor(terminal, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColor(terminal, { FORCE_COLOR: '0' })).toBe(false);
  expect(wantsColor({}, {})).toBe(false);
});

test('a reader that goes away is no error', async () => {
  const child = spawn(process.execPath, [MAIN, 'inspect', DIGITS, '--json']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  expect([code, stderr]).toEqual([0, '']);
});

test('prune --dry-run shows what would be left and writes nothing', async () => {
  const args = ['prune', '--model', DIGITS, '--target-macs', '0.5', '--dry-run', '--json'];
  const { code, stdout } = await tascnet(args, { cwd: folder });
  expect(code).toBe(0);
  const { macs, met, groups, plan } = JSON.parse(stdout);
  expect(met).toBe(true);
  expect(macs).toBeLessThanOrEqual(0.5 * 7_459_648);
  expect(groups).toHaveLength(4);
  expect(plan.groups.length).toBeGreaterThan(0);
});

test('prune without data leaves a model and a plan', async () => {
  const args = ['prune', '--model', DIGITS, '--out', 'small.onnx', '--plan', 'plan.json', '--no-finetune'];
  const { code, stdout, stderr } = await tascnet([...args, '--ratio', '0.25', '--round-to', '1'], { cwd: folder });
  expect([code, stderr]).toEqual([0, expect.stringContaining('Without --data')]);
  expect(stdout).toMatch(/small.onnx/);
  const plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'));
  expect(plan.groups.find((group: { id: string }) => group.id === 'conv1.weight').removed).toHaveLength(8);
  expect(existsSync(join(folder, 'small.onnx'))).toBe(true);
});

test('prune without measuring, with a ratio of its own for one layer', async () => {
  const asked = ['--ratio', '0.5', '--layer-ratios', 'conv1.weight=0.25', '--ranking', 'isomorphic', '--reduce', 'max'];
  const args = ['prune', '--model', DIGITS, '--out', 'unmeasured.onnx', ...asked, '--normalize', 'l2', '--no-measure'];
  const { code, stdout } = await tascnet([...args, '--round-to', '1', '--json', '--quiet'], { cwd: folder });
  expect(code).toBe(0);
  const { before, after, plan } = JSON.parse(stdout);
  expect([before.latencyMs, after.latencyMs]).toEqual([undefined, undefined]);
  expect(after.bytes).toBe(statSync(join(folder, 'unmeasured.onnx')).size);
  expect(plan.groups.find((group: { id: string }) => group.id === 'conv1.weight').removed).toHaveLength(8);
  const told = await tascnet([...args, '--quiet'], { cwd: folder });
  expect(told.stdout).toMatch(/Not measured: tascnet validate/);
  expect(told.stdout).toMatch(/pinned: .*: it makes the output/);
});

test('a target that cannot be reached is exit code 3', async () => {
  const args = ['prune', '--model', DIGITS, '--out', 'tiny.onnx', '--target-params', '0.01', '--json', '--quiet'];
  const { code, stdout, stderr } = await tascnet(args, { cwd: folder });
  expect([code, stderr]).toEqual([3, '']);
  expect(JSON.parse(stdout).met).toBe(false);
});

test('a latency that no width reaches is exit code 3', async () => {
  const args = ['prune', '--model', DIGITS, '--out', 'fast.onnx', '--target-latency', '0.000001ms', '--json'];
  const { code, stdout } = await tascnet(args, { cwd: folder });
  expect(code).toBe(3);
  // The most that the limits allow was removed on the way.
  expect(JSON.parse(stdout).after.macs).toBeLessThan(0.1 * 7_459_648);
});

test('names from models cannot drive the terminal', () => {
  expect(printable(`a${ESCAPE}[2Jb\nc`)).toBe('ab�c');
  expect(
    columns([
      ['name', 'n'],
      ['a', '10'],
      ['bcdef', '7'],
    ]),
  ).toEqual(['name    n', 'a      10', 'bcdef   7']);
});
