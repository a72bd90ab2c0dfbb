/** What commands print with `--json`: one document, of the form that programs may rely on. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { DIGITS, tascnet } from '../cli/tascnet.js';
import { classImages, folderOf, temporaryFolder } from '../data/folders.js';

const count = z.int().nonnegative();
const fraction = z.number().min(0).max(1);
const proportion = z.strictObject({ value: fraction, low: fraction, high: fraction, n: count });
const timing = z.strictObject({ median: z.number(), p95: z.number(), low: z.number(), high: z.number(), runs: count });
const measured = {
  macs: count,
  parameters: count,
  trainableParameters: count,
  bytes: count,
  latencyMs: z.strictObject({ batch1: z.number().positive(), batch32: z.number().positive() }),
  latency: z.strictObject({ batch1: timing, batch32: timing }),
};
const withoutData = z.strictObject(measured);
const entry = z.strictObject({ accuracy: proportion, ...measured });

const ratios = z.strictObject({
  macs: z.number(),
  parameters: z.number(),
  bytes: z.number(),
  latencyMs: z.strictObject({ batch1: z.number(), batch32: z.number() }),
});

const pinned = z.array(z.strictObject({ node: z.string(), reason: z.string() }));
const value = z.strictObject({
  name: z.string(),
  dtype: z.string(),
  shape: z.array(z.union([count, z.string()])).nullable(),
});
const inspection = z.strictObject({
  model: z.string(),
  parameters: count,
  macs: count,
  inputs: z.array(value),
  outputs: z.array(value),
  nodes: z.array(
    z.strictObject({ name: z.string(), op: z.string(), shape: value.shape.shape, parameters: count, macs: count }),
  ),
  groups: z.array(
    z.strictObject({
      id: z.string(),
      channels: count,
      members: z.array(z.strictObject({ tensor: z.string(), axis: count })),
    }),
  ),
  pinned,
  unknown: pinned,
  nonFinite: z.array(z.strictObject({ tensor: z.string(), count })),
});

const plan = z.strictObject({
  groups: z.array(
    z.strictObject({
      id: z.string(),
      channels: count,
      removed: z.array(count).nonempty(),
      merged: z.array(z.tuple([count, count])),
      members: z
        .array(z.strictObject({ tensor: z.string(), axis: count, removed: z.array(count).nonempty() }))
        .nonempty(),
    }),
  ),
  pinned,
});

async function document<T extends z.ZodType>(schema: T, args: readonly string[], cwd?: string): Promise<z.output<T>> {
  const { code, stdout } = await tascnet([...args, '--json'], cwd === undefined ? {} : { cwd });
  expect(code).toBe(0);
  return schema.parse(JSON.parse(stdout));
}

test('inspect', async () => {
  const { model, groups, parameters, nodes } = await document(inspection, ['inspect', DIGITS]);
  expect(model).toBe(DIGITS);
  expect(groups.length).toBeGreaterThan(0);
  expect(nodes.reduce((sum, node) => sum + node.parameters, 0)).toBe(parameters);
  // The groups are in the document, asked for or not.
  expect(await document(inspection, ['inspect', DIGITS, '--groups'])).toMatchObject({ groups });
});

test('validate of one model and of two', async () => {
  const data = await folderOf(classImages({ a: 10, b: 10, c: 10, d: 10, e: 10 }));
  await document(withoutData, ['validate', DIGITS]);
  // The digits' model has class names of its own: 0 to 4.
  const named = await folderOf(classImages({ 0: 10, 1: 10, 2: 10, 3: 10, 4: 10 }));
  const { accuracy } = await document(entry, ['validate', DIGITS, '--data', named]);
  expect(accuracy.n).toBe(10);
  const two = z.strictObject({
    entries: z.tuple([entry, entry]),
    comparison: z.strictObject({ agreement: proportion, accuracyPoints: z.number(), ratio: ratios }),
  });
  const { comparison } = await document(two, ['validate', DIGITS, DIGITS, '--data', named]);
  expect(comparison).toMatchObject({ agreement: { value: 1 }, accuracyPoints: 0, ratio: { macs: 1, parameters: 1 } });
  const other = await tascnet(['validate', DIGITS, '--data', data, '--json']);
  expect([other.code, other.stdout]).toEqual([1, '']);
});

test('prune and its plan', async () => {
  const folder = await temporaryFolder();
  const pruned = z.strictObject({ met: z.boolean(), before: withoutData, after: withoutData, plan });
  const args = ['prune', '--model', DIGITS, '--out', 'small.onnx', '--ratio', '0.5', '--plan', 'plan.json'];
  const done = await document(pruned, [...args, '--no-finetune'], folder);
  expect(plan.parse(JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')))).toEqual(done.plan);
  expect(done.after.parameters).toBeLessThan(done.before.parameters);
  const { inputs } = await document(inspection, ['inspect', 'small.onnx'], folder);
  expect(inputs).toEqual([expect.objectContaining({ dtype: 'float32' })]);
});

test('prune --dry-run', async () => {
  const expected = z.strictObject({
    plan,
    macs: count,
    parameters: count,
    met: z.boolean(),
    groups: z.array(z.strictObject({ id: z.string(), channels: count })),
  });
  await document(expected, ['prune', '--model', DIGITS, '--target-macs', '0.5', '--dry-run']);
});

test('engine', async () => {
  const status = z.looseObject({
    backend: z.enum(['tensorflow', 'cpu']),
    version: z.string(),
    device: z.enum(['cpu', 'gpu']),
    candidates: z.array(z.looseObject({ name: z.string() })),
    missing: z.array(z.strictObject({ what: z.string(), command: z.string() })),
  });
  await document(status, ['engine']);
});
