/**
 * The six families at full size, as both of torch's exporters write them: shapes, parameters, MACs, outputs, and
 * the time of reading and writing. It needs some 1.5 GB of files that are made for it:
 *
 *     python test/fixtures/onnx/make.py --full DIR
 *     TASCNET_FULL_SIZE=DIR npm test -- test/formats/full-size
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { costOf } from '../../lib/analyze/cost.js';
import { inferShapes } from '../../lib/analyze/shapes.js';
import { load } from '../../lib/formats/index.js';
import { readOnnx, writeOnnx } from '../../lib/formats/onnx/index.js';
import { relativeError, runModel } from '../models/runtime.js';

/** Multiply-adds of one 224×224 image in the convolutions and dense layers, as torchvision's documentation has them (G). */
const GIGA_MACS: Record<string, number> = {
  vgg16: 15.47,
  resnet50: 4.09,
  densenet121: 2.83,
  mobilenet_v2: 0.3,
  squeezenet1_1: 0.35,
  efficientnet_b0: 0.39,
};

const folder = process.env.TASCNET_FULL_SIZE ?? '';
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];
if (files.length === 0) {
  process.stderr.write('skipped, as TASCNET_FULL_SIZE names no folder of models: the six families at full size\n');
  test.skip('the six families at full size', () => undefined);
}

for (const file of files)
  test(`${file} at full size`, async () => {
    const source = path.join(folder, file);
    const [family = ''] = file.split('-');
    const expected = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8'))[family];
    const dims: number[] = expected.input;
    const size = dims.reduce((product, extent) => product * extent, 1);
    const data = Float32Array.from({ length: size }, (_, i) => ((i * 7919 + 104729) % 2003) / 1001 - 1);
    const inputs = { input: { dims, data } };

    let started = performance.now();
    const graph = await readOnnx(source);
    const readMs = performance.now() - started;
    const temporary = mkdtempSync(path.join(tmpdir(), 'tascnet-full-'));
    try {
      const copy = path.join(temporary, 'copy.onnx');
      started = performance.now();
      await writeOnnx(graph, copy);
      const writeMs = performance.now() - started;

      const original = (await runModel(source, { inputs })).logits;
      const again = (await runModel(copy, { inputs })).logits;
      expect(again).toEqual(original);
      const torch = Float32Array.from(expected.logits.data as number[]);
      expect(relativeError(original?.data ?? new Float32Array(), torch)).toBeLessThan(1e-4);

      const folded = await load(source);
      const { types, unknown } = inferShapes(folded, { input: dims });
      expect(unknown).toEqual([]);
      expect(types.get('logits')?.dims).toEqual([...(original?.dims ?? [])]);
      const cost = costOf(folded);
      const megabytes = (bytes: number) => Math.round(bytes / 1e6);
      process.stderr.write(
        `${file}: ${megabytes(statSync(source).size)} MB, read ${readMs.toFixed(0)} ms, write ${writeMs.toFixed(0)} ms, ` +
          `${folded.nodes.length} nodes, ${cost.parameters} parameters, ` +
          `${(cost.macs / 1e9).toFixed(3)} GMACs\n`,
      );
      expect(Math.abs(cost.macs / 1e9 / (GIGA_MACS[family] ?? 0) - 1)).toBeLessThan(0.05);
      // Exporters fold batch norms into convolutions, whose biases then take the place of scale and shift.
      expect(Math.abs(cost.parameters / expected.parameters - 1)).toBeLessThan(0.02);
    } finally {
      rmSync(temporary, { recursive: true });
    }
  }, 300_000);
