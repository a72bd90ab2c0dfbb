import { describe, expect, test } from '@jest/globals';
import { type Batch, type BatchSource, forTeacher } from '../../lib/data/batch.js';
import { arrayBatches, imageBatches } from '../../lib/data/batches.js';
import type { PixelSplit } from '../../lib/data/pixels.js';
import type { Preprocessing } from '../../lib/data/preprocessing.js';
import { randomGenerator } from '../../lib/graph/random.js';

const count = 23;
const size = [6, 5] as const;
const bytes = size[0] * size[1] * 3;
const random = randomGenerator('images');
const rows = Array.from({ length: count }, () => Uint8Array.from({ length: bytes }, () => random.int(256)));

const images: PixelSplit = {
  size,
  samples: rows.map((_, index) => ({ file: `${index}.png`, label: index % 4, content: '', modified: 0 })),
  pixels: (index) => rows[index] ?? new Uint8Array(),
};

const preprocessing: Preprocessing = {
  size: [...size],
  layout: 'NCHW',
  channels: 'RGB',
  scale: 1 / 127.5,
  mean: [1, 1, 1],
  std: [1, 1, 1],
  resize: 'squash',
};

async function collected(source: BatchSource, epoch = 0): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of source.batches(epoch)) batches.push(batch);
  return batches;
}

describe('image batches', () => {
  test('every image once, in order, preprocessed, with its label', async () => {
    const source = imageBatches(images, preprocessing, { batchSize: 5 });
    expect([source.samples, source.batchSize]).toEqual([23, 5]);
    const batches = await collected(source);
    expect(batches.map((batch) => batch.shape)).toEqual([...Array(4).fill([5, 6, 5, 3]), [3, 6, 5, 3]]);
    expect(batches.every((batch) => batch.layout === 'channelsLast')).toBe(true);
    expect(batches.flatMap((batch) => [...batch.labels])).toEqual(rows.map((_, index) => index % 4));
    const all = batches.flatMap((batch) => [...batch.inputs]);
    for (const [index, pixel] of rows.flatMap((row) => [...row]).entries())
      expect(all[index]).toBeCloseTo(pixel / 127.5 - 1, 5);
  });

  test('layouts: plain for ONNX Runtime, and always plain where the model takes NHWC', async () => {
    const [plain] = await collected(imageBatches(images, preprocessing, { batchSize: 2, layout: 'plain' }));
    expect([plain?.shape, plain?.layout]).toEqual([[2, 3, 6, 5], 'plain']);
    const nhwc = { ...preprocessing, layout: 'NHWC' as const };
    const [last] = await collected(imageBatches(images, nhwc, { batchSize: 2 }));
    expect([last?.shape, last?.layout]).toEqual([[2, 6, 5, 3], 'plain']);
    const grey: Preprocessing = { ...preprocessing, channels: 'L', mean: [0], std: [1] };
    const [one] = await collected(imageBatches(images, grey, { batchSize: 2, layout: 'plain' }));
    expect(one?.shape).toEqual([2, 1, 6, 5]);
  });

  test('the same seed and epoch give the same batches, whatever was read before', async () => {
    const options = { batchSize: 4, shuffle: true, seed: 9, augment: 'full' as const };
    const source = imageBatches(images, preprocessing, options);
    const second = await collected(source, 1);
    for await (const _ of source.batches(0)) break;
    expect(await collected(source, 1)).toEqual(second);
    expect(await collected(imageBatches(images, preprocessing, options), 1)).toEqual(second);
    expect(await collected(source, 2)).not.toEqual(second);
    expect(await collected(imageBatches(images, preprocessing, { ...options, seed: 8 }), 1)).not.toEqual(second);
  });

  test('how an image is augmented does not depend on batch size or order', async () => {
    const augmented = async (batchSize: number, shuffle: boolean) => {
      const sums = new Map<number, number>();
      const labelled: PixelSplit = {
        ...images,
        samples: images.samples.map((sample, label) => ({ ...sample, label })),
      };
      for (const batch of await collected(
        imageBatches(labelled, preprocessing, { batchSize, shuffle, seed: 4, augment: 'full' }),
      ))
        batch.labels.forEach((label, row) => {
          sums.set(
            label,
            batch.inputs.subarray(row * bytes, (row + 1) * bytes).reduce((sum, value) => sum + value, 0),
          );
        });
      return [...sums].sort(([a], [b]) => a - b);
    };
    expect(await augmented(7, true)).toEqual(await augmented(3, false));
  });

  test('a shuffle keeps every sample; dropLast leaves out the rest', async () => {
    const labels = async (epoch: number) =>
      (
        await collected(
          arrayBatches(Float32Array.from(rows.keys()), [count], [...rows.keys()], { batchSize: 4, shuffle: true }),
          epoch,
        )
      ).flatMap((batch) => [...batch.labels]);
    const first = await labels(0);
    expect(first).not.toEqual(await labels(1));
    expect(first.toSorted((a, b) => a - b)).toEqual([...rows.keys()]);
    const dropped = imageBatches(images, preprocessing, { batchSize: 4, dropLast: true });
    expect(dropped.samples).toBe(20);
    expect((await collected(dropped)).map((batch) => batch.labels.length)).toEqual([4, 4, 4, 4, 4]);
  });

  test('wrong sizes are refused, and errors on the way reach the reader', async () => {
    expect(() => imageBatches(images, { ...preprocessing, size: [5, 5] }, { batchSize: 2 })).toThrow(
      /pixels are 6×5, but the model takes 5×5/,
    );
    for (const batchSize of [0, -1, 1.5, Number.NaN])
      expect(() => imageBatches(images, preprocessing, { batchSize })).toThrow(/batch size/);
    const failing: PixelSplit = {
      ...images,
      pixels: (index) => {
        if (index === 6) throw new Error('the disk is gone');
        return rows[index] ?? new Uint8Array();
      },
    };
    await expect(collected(imageBatches(failing, preprocessing, { batchSize: 4 }))).rejects.toThrow('the disk is gone');
  });
});

describe('array batches', () => {
  test('rows and labels go together, in any shape', async () => {
    const features = Float32Array.from({ length: 7 * 6 }, (_, index) => index);
    const source = arrayBatches(features, [7, 2, 3], Int32Array.from([0, 1, 2, 3, 4, 5, 6]), {
      batchSize: 3,
      shuffle: true,
      seed: 1,
      layout: 'channelsLast',
    });
    const batches = await collected(source);
    expect(batches.map((batch) => batch.shape)).toEqual([
      [3, 2, 3],
      [3, 2, 3],
      [1, 2, 3],
    ]);
    for (const { inputs, labels, layout } of batches) {
      expect(layout).toBe('channelsLast');
      for (const [row, label] of labels.entries())
        expect([...inputs.subarray(row * 6, row * 6 + 6)]).toEqual([0, 1, 2, 3, 4, 5].map((x) => x + 6 * label));
    }
  });

  test('lengths that do not agree are refused; nothing is an epoch without batches', async () => {
    expect(() => arrayBatches(new Float32Array(5), [2, 3], [0, 1], { batchSize: 1 })).toThrow(
      /need 6 elements and 2 labels, got 5 and 2/,
    );
    expect(() => arrayBatches(new Float32Array(6), [2, 3], [0], { batchSize: 1 })).toThrow(/got 6 and 1/);
    expect(await collected(arrayBatches(new Float32Array(0), [0, 3], [], { batchSize: 2 }))).toEqual([]);
  });
});

describe('batches for a teacher', () => {
  const options = { batchSize: 5, shuffle: true, seed: 3, augment: 'full' } as const;
  const student = imageBatches(images, preprocessing, options);

  test('each has the same samples twice, as either takes them', async () => {
    const grey: Preprocessing = { ...preprocessing, channels: 'L', scale: 1, mean: [0], std: [1] };
    const teacher = imageBatches(images, grey, options);
    const both = forTeacher(student, teacher);
    expect([both.samples, both.batchSize]).toEqual([count, 5]);
    const [pairs, alone, taught] = await Promise.all([
      collected(both, 2),
      collected(student, 2),
      collected(teacher, 2),
    ]);
    expect(pairs.map(({ forTeacher: _, ...batch }) => batch)).toEqual(alone);
    expect(pairs.map((batch) => batch.forTeacher)).toEqual(taught.map(({ labels: _, ...batch }) => batch));
  });

  test('other samples are refused', async () => {
    const other = imageBatches(images, preprocessing, { ...options, seed: 4 });
    const fewer = imageBatches({ ...images, samples: images.samples.slice(0, 5) }, preprocessing, { batchSize: 5 });
    const same = imageBatches(images, preprocessing, { batchSize: 5 });
    await expect(collected(forTeacher(student, other))).rejects.toThrow('other samples than its student');
    await expect(collected(forTeacher(same, fewer))).rejects.toThrow('other samples than its student');
  });

  test('a reader that stops lets both go', async () => {
    const ended: string[] = [];
    const noting = (name: string): BatchSource => ({
      ...student,
      async *batches(epoch) {
        try {
          yield* student.batches(epoch);
        } finally {
          ended.push(name);
        }
      },
    });
    for await (const _ of forTeacher(noting('student'), noting('teacher')).batches(0)) break;
    expect(ended.sort()).toEqual(['student', 'teacher']);
  });
});
