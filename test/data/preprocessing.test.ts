import { describe, expect, test } from '@jest/globals';
import {
  classesFrom,
  METADATA_KEYS,
  PRESET_NAMES,
  type Preprocessing,
  preprocessingFor,
  preprocessingFrom,
  seedFrom,
  toMetadata,
} from '../../lib/data/preprocessing.js';
import type { Dim, Graph } from '../../lib/graph/graph.js';

function graphOf(dims: Dim[], metadata: Record<string, string> = {}): Graph {
  return {
    name: 'test',
    opset: 18,
    domains: {},
    nodes: [],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [],
    initializers: new Map(),
    metadata,
  };
}

const classes = ['a', 'b "quoted", <i>', '__proto__', 'ü'];

test('what is written into the metadata is read back', () => {
  for (const preset of PRESET_NAMES)
    for (const dims of [
      ['N', 3, 224, 200],
      ['N', 1, 28, 28],
      ['N', 32, 48, 3],
    ] as Dim[][]) {
      const preprocessing = preprocessingFor(graphOf(dims), { preset, resize: 'crop' });
      const metadata = toMetadata(preprocessing, classes);
      expect(preprocessingFrom(metadata)).toEqual(preprocessing);
      expect(classesFrom(metadata)).toEqual(classes);
      expect(preprocessingFor(graphOf(dims, metadata))).toEqual(preprocessing);
    }
  expect(preprocessingFrom({})).toBeUndefined();
  expect(classesFrom({ producer: 'x' })).toBeUndefined();
});

describe('presets are those of their frameworks', () => {
  /** (pixel · scale − mean) / std for a pixel of red 255, green 128, blue 0, in the order of the channels. */
  const applied = ({ channels, scale, mean, std }: Preprocessing) =>
    [...channels].map((name, index) => {
      const pixel = { R: 255, G: 128, B: 0, L: 0 }[name] ?? Number.NaN;
      return (pixel * scale - (mean[index] ?? 0)) / (std[index] ?? 1);
    });
  const close = (actual: number[], expected: number[]) => {
    for (const [index, value] of expected.entries()) expect(actual[index]).toBeCloseTo(value, 4);
  };
  const preset = (name: (typeof PRESET_NAMES)[number]) =>
    applied(preprocessingFor(graphOf(['N', 3, 8, 8]), { preset: name }));

  test('torchvision, keras-caffe, keras-tf, 0..1, 0..255', () => {
    // Normalize of torchvision; preprocess_input of Keras on the same pixel.
    close(preset('torchvision'), [2.248908, 0.205182, -1.804444]);
    close(preset('keras-caffe'), [0 - 103.939, 128 - 116.779, 255 - 123.68]);
    close(preset('keras-tf'), [1, 0.003922, -1]);
    close(preset('0..1'), [1, 0.501961, 0]);
    close(preset('0..255'), [255, 128, 0]);
  });
});

describe('the model tells size, layout and channels', () => {
  test('from its input', () => {
    expect(preprocessingFor(graphOf(['N', 3, 224, 160]), { preset: '0..1' })).toMatchObject({
      size: [224, 160],
      layout: 'NCHW',
      channels: 'RGB',
    });
    expect(preprocessingFor(graphOf([1, 96, 96, 3]), { preset: '0..1' })).toMatchObject({
      size: [96, 96],
      layout: 'NHWC',
    });
    const grey = preprocessingFor(graphOf(['N', 1, 28, 28]), { preset: 'torchvision' });
    expect([grey.channels, grey.mean.length, grey.std.length]).toEqual(['L', 1, 1]);
  });

  test('the choice comes before the metadata, the metadata before the shape', () => {
    const stored = toMetadata(preprocessingFor(graphOf(['N', 3, 64, 64]), { preset: 'keras-tf' }), classes);
    const dynamic = graphOf(['N', 3, 'H', 'W'], stored);
    expect(preprocessingFor(dynamic)).toMatchObject({ size: [64, 64], scale: 1 / 127.5 });
    expect(preprocessingFor(dynamic, { size: [96, 80] }).size).toEqual([96, 80]);
    expect(preprocessingFor(dynamic, { preset: 'keras-caffe' })).toMatchObject({ size: [64, 64], channels: 'BGR' });
  });

  test('what is missing is asked for', () => {
    expect(() => preprocessingFor(graphOf(['N', 3, 8, 8]))).toThrow(/does not say how its input is scaled/);
    expect(() => preprocessingFor(graphOf(['N', 3, 'H', 'W']), { preset: '0..1' })).toThrow(
      /no fixed height and width/,
    );
    expect(() => preprocessingFor(graphOf(['N', 10]), { preset: '0..1' })).toThrow(
      /image of four axes; it has x \[N,10\]/,
    );
    expect(() => preprocessingFor(graphOf(['N', 7, 8, 8]), { preset: '0..1' })).toThrow(
      /neither one nor three channels/,
    );
  });
});

test('metadata that is wrong is refused, with the field', () => {
  const good = JSON.parse(
    toMetadata(preprocessingFor(graphOf(['N', 3, 8, 8]), { preset: '0..1' }), classes)[METADATA_KEYS.preprocessing] ??
      '',
  );
  const read = (value: unknown) => () =>
    preprocessingFrom({ [METADATA_KEYS.preprocessing]: typeof value === 'string' ? value : JSON.stringify(value) });
  expect(read(good)).not.toThrow();
  expect(read('{')).toThrow(/no JSON/);
  expect(read({ ...good, std: [1, 0, 1] })).toThrow(/std.1/);
  expect(read({ ...good, mean: [1] })).toThrow(/one number for each channel/);
  expect(read({ ...good, size: [8] })).toThrow(/size/);
  expect(read({ ...good, size: [8, 1e9] })).toThrow(/size/);
  expect(read({ ...good, channels: 'CMYK' })).toThrow(/channels/);
  expect(() => classesFrom({ [METADATA_KEYS.classes]: '[1]' })).toThrow(/tascnet.classes/);
  expect(() => seedFrom({ [METADATA_KEYS.seed]: '-1' })).toThrow(/tascnet.seed/);
  expect([seedFrom({ [METADATA_KEYS.seed]: '7' }), seedFrom({})]).toEqual([7, undefined]);
});
