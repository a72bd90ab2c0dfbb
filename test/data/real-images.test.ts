import { expect } from '@jest/globals';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { imageBatches } from '../../lib/data/batches.js';
import { openImages } from '../../lib/data/images.js';
import { loadPixels } from '../../lib/data/pixels.js';
import { checkedPreprocessing, type Preprocessing } from '../../lib/data/preprocessing.js';
import { sharedData, testWith } from '../shared-data.js';
import { temporaryFolder } from './folders.js';

const imagenet: Preprocessing = {
  size: [32, 32],
  layout: 'NCHW',
  channels: 'RGB',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  resize: 'squash',
};

testWith('cifar10-small', 'a CIFAR-10 network reaches its known accuracy on images read here', async (folder) => {
  const dataset = await openImages(folder, { seed: 0 });
  expect(dataset.test).toHaveLength(1000);
  expect(dataset.train.length + dataset.validation.length).toBe(3000);
  const pixels = await loadPixels(
    { ...dataset, train: [], validation: [] },
    { size: [32, 32], resize: 'squash', cache: await temporaryFolder() },
  );
  const session = await InferenceSession.create(sharedData('models/resnet20_cifar10.onnx'));
  const accuracy = async (preprocessing: Preprocessing): Promise<number> => {
    let right = 0;
    const source = imageBatches(pixels.test, checkedPreprocessing(preprocessing), { batchSize: 100, layout: 'plain' });
    for await (const { inputs, shape, labels } of source.batches(0)) {
      const outputs = await session.run({ [session.inputNames[0] ?? '']: new Tensor('float32', inputs, shape) });
      const logits = outputs[session.outputNames[0] ?? '']?.data as Float32Array;
      for (const [row, label] of labels.entries()) {
        const own = logits.subarray(row * 10, row * 10 + 10);
        right += own.indexOf(Math.max(...own)) === label ? 1 : 0;
      }
    }
    return right / source.samples;
  };
  // 81.0 % on all 10,000 of these images, as measured in PyTorch; ± 3.5 is three standard deviations of 1,000.
  const right = await accuracy(imagenet);
  expect(Math.abs(right - 0.81)).toBeLessThan(0.035);
  // The colours the wrong way round cost accuracy: the order is really in use.
  expect(await accuracy({ ...imagenet, channels: 'BGR' })).toBeLessThan(right - 0.03);
});

testWith('caltech101-5', 'a real listing keeps its splits', async (folder) => {
  const dataset = await openImages(folder, { seed: 0 });
  expect(dataset.classes).toEqual(['butterfly', 'ewer', 'helicopter', 'scorpion', 'sunflower']);
  expect([dataset.train.length, dataset.validation.length, dataset.test.length]).toEqual([90, 30, 30]);
  const pixels = await loadPixels(dataset, { size: [96, 96], resize: 'crop', cache: await temporaryFolder() });
  expect(pixels.corrupt).toEqual([]);
});
