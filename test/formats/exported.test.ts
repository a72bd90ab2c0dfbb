/** The six families as torch's two exporters write them, against what torch itself computed (fixtures/onnx/make.py). */

import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { fold } from '../../lib/analyze/fold.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { load } from '../../lib/formats/index.js';
import { encodeOnnx, readOnnx } from '../../lib/formats/onnx/index.js';
import { relativeError, runModel } from '../models/runtime.js';

const FOLDER = new URL('../fixtures/onnx/', import.meta.url);

interface Expected {
  input: number[];
  parameters: number;
  logits: { dims: number[]; data: number[] };
}

const expected: Record<string, Expected> = JSON.parse(readFileSync(new URL('expected.json', FOLDER), 'utf8'));

/** The input of make.py. */
function inputOf(dims: number[]): { dims: number[]; data: Float32Array } {
  const size = dims.reduce((product, extent) => product * extent, 1);
  return { dims, data: Float32Array.from({ length: size }, (_, i) => ((i * 7919 + 104729) % 2003) / 1001 - 1) };
}

for (const [family, { input: dims, logits }] of Object.entries(expected))
  for (const exporter of ['torchscript', 'dynamo']) {
    const path = new URL(`${family}-${exporter}.onnx`, FOLDER).pathname;
    test(`${family} by ${exporter}: torch's outputs, unchanged by a round trip, folded shapes`, async () => {
      const input = inputOf(dims);
      const original = (await runModel(path, { inputs: { input } })).logits;
      expect(original?.dims).toEqual(logits.dims);
      expect(relativeError(original?.data ?? new Float32Array(), Float32Array.from(logits.data))).toBeLessThan(1e-4);

      const graph = await readOnnx(path);
      expect((await runModel(encodeOnnx(graph), { inputs: { input } })).logits).toEqual(original);

      const folded = await load(path);
      expect((await runModel(encodeOnnx(folded), { inputs: { input } })).logits).toEqual(original);
      const rest = folded.nodes.map(({ op }) => op);
      expect(rest.filter((op) => /^(Shape|Gather|Slice|Unsqueeze|Constant|Cast|ConstantOfShape)$/.test(op))).toEqual(
        [],
      );
      expect(fold(folded)).toEqual(folded);

      const { types, unknown } = inferShapes(folded, { input: dims });
      expect(unknown).toEqual([]);
      expect(types.get('logits')?.dims).toEqual(logits.dims);
      const batch = folded.inputs[0]?.dims?.[0];
      expect(folded.outputs.map((output) => output.dims)).toEqual([[batch, logits.dims[1]]]);
      expect(typeof batch).toBe('string');
    });
  }
