/** The probe against packages that stand in for tfjs-node, and the convolutions that TensorFlow is probed for. */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { loadEngine } from '../../lib/engine/engine.js';
import { bindingWithin } from '../../lib/engine/places.js';
import { probe } from '../../lib/engine/probe.js';

const { tf } = await loadEngine();

beforeEach(() => {
  process.env.TASCNET_CACHE = mkdtempSync(join(tmpdir(), 'tascnet-probe-'));
  // TensorFlow has read it by now.
  delete process.env.TF_ENABLE_ONEDNN_OPTS;
});

/** A package whose `require` runs `source`; it computes with tfjs itself. */
function packageThat(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tascnet-package-'));
  const binding = bindingWithin(folder);
  mkdirSync(dirname(binding), { recursive: true });
  writeFileSync(binding, '');
  const tfjs = JSON.stringify(join(process.cwd(), 'node_modules/@tensorflow/tfjs'));
  writeFileSync(
    join(folder, 'index.js'),
    `${source}
     const tf = require(${tfjs});
     const backend = () => ({ binding: { TF_Version: '9.9.9' } });
     module.exports = { ...tf, backend, getBackend: () => 'tensorflow' };`,
  );
  return folder;
}

const CRASH = "process.kill(process.pid, 'SIGFPE');";

test('a package that computes works, with oneDNN', async () => {
  expect(await probe(packageThat(''))).toEqual({ works: true, version: '9.9.9', device: 'cpu', oneDnn: true });
});

test('one that crashes with oneDNN is used without it, and remembered so', async () => {
  const folder = packageThat(`if (process.env.TF_ENABLE_ONEDNN_OPTS !== '0') ${CRASH}`);
  const finding = { works: true, version: '9.9.9', device: 'cpu', oneDnn: false };
  expect(await probe(folder)).toEqual(finding);
  writeFileSync(join(folder, 'index.js'), 'throw new Error("tried again")');
  expect(await probe(folder)).toEqual(finding);
});

test('a crash is told where oneDNN is not to blame, or was asked for', async () => {
  expect(await probe(packageThat(CRASH))).toEqual({ works: false, problem: 'its process ended with SIGFPE' });
  // Of the probe's process alone: this one has loaded TensorFlow.
  process.env.TF_ENABLE_ONEDNN_OPTS = '1';
  const folder = packageThat(`if (process.env.TF_ENABLE_ONEDNN_OPTS !== '0') ${CRASH}`);
  expect(await probe(folder)).toEqual({ works: false, problem: 'its process ended with SIGFPE' });
});

test.each([
  [512, 1024],
  [1024, 2048],
  [256, 1024],
])('a 1×1 convolution of %d to %d channels', (from, to) => {
  const sums = tf.tidy(() => {
    const image = tf.ones([2, 7, 7, from]) as Tensor4D;
    return tf.conv2d(image, tf.ones([1, 1, from, to]) as Tensor4D, 1, 'valid').dataSync();
  });
  expect(sums).toHaveLength(2 * 7 * 7 * to);
  expect(new Set(sums)).toEqual(new Set([from]));
});
