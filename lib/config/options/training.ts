/** How networks are trained, and how they see images. */

import { choice, flag, real, whole } from '../option.js';
import { FIT, ON_MODELS, TRAIN, WITH_DATA } from '../scopes.js';

export const TRAINING_OPTIONS = {
  epochs: whole(
    { min: 1, max: 100_000 },
    TRAIN,
    { group: 'Training', describe: 'Passes over the data in all, shared out among the steps of the command.' },
    30,
  ),
  batchSize: whole(
    { min: 1, max: 65_536 },
    TRAIN,
    { group: 'Training', describe: 'Samples in one training step.' },
    32,
  ),
  optimizer: choice(
    ['sgd', 'adam', 'adamw', 'adagrad'],
    TRAIN,
    { group: 'Training', describe: 'How weights follow their gradients; sgd has Nesterov momentum 0.9.' },
    'adamw',
  ),
  learningRate: real(
    { min: 1e-9, max: 100 },
    TRAIN,
    {
      group: 'Training',
      describe: 'The highest learning rate.',
      defaultText: '0.01 for sgd and adagrad, 0.001 for adam and adamw',
    },
    undefined,
  ),
  schedule: choice(
    ['cosine', 'step', 'plateau', 'constant'],
    TRAIN,
    { group: 'Training', describe: 'How the learning rate falls.' },
    'cosine',
  ),
  warmup: real(
    { min: 0, max: 1000 },
    TRAIN,
    { group: 'Training', describe: 'Epochs over which the learning rate first rises.' },
    1,
  ),
  weightDecay: real(
    { min: 0, max: 1 },
    TRAIN,
    { group: 'Training', describe: 'Pull of weights towards 0; biases and norms are left alone.' },
    1e-4,
  ),
  labelSmoothing: real(
    { min: 0, max: 0.99 },
    TRAIN,
    { group: 'Training', describe: 'Share of the target spread over all classes.' },
    0.1,
  ),
  batchNorm: choice(
    ['train', 'frozen'],
    TRAIN,
    {
      group: 'Training',
      describe:
        'What batch norms normalise by in training: the statistics of the batch, or (frozen) their running ones.',
    },
    'train',
  ),
  classWeights: flag(TRAIN, { group: 'Training', describe: 'Let rare classes count for more in the loss.' }, false),
  clipNorm: real(
    { min: 1e-6 },
    TRAIN,
    { group: 'Training', describe: 'Scale gradients down to this norm.', defaultText: 'no limit' },
    undefined,
  ),
  patience: whole(
    { min: 1 },
    TRAIN,
    { group: 'Training', describe: 'Stop after so many epochs without a better result.', defaultText: 'never' },
    undefined,
  ),
  layerDecay: real(
    { min: 0.01, max: 1 },
    FIT,
    {
      group: 'Training',
      describe: 'Fine-tuning: factor on the learning rate from each layer to the one before it; 1: the same for all.',
    },
    1,
  ),
  unfreeze: real(
    { min: 0, max: 1000 },
    FIT,
    {
      group: 'Training',
      describe: 'Fine-tuning: epochs over which layers join in, the last one at once, the first one at their end.',
    },
    0,
  ),

  imageSize: whole(
    { min: 8, max: 4096 },
    ON_MODELS,
    { group: 'Images', placeholder: 'PIXELS', describe: 'Height and width.', defaultText: 'those of the model' },
    undefined,
  ),
  preprocessing: choice(
    ['torchvision', 'keras-caffe', 'keras-tf', '0..1', '0..255'],
    WITH_DATA,
    { group: 'Images', describe: 'How the network expects pixels.', defaultText: "what the model's metadata say" },
    undefined,
  ),
  augment: choice(
    ['none', 'shift', 'light', 'full'],
    TRAIN,
    {
      group: 'Training',
      describe:
        'How the data are varied in training: images are moved (shift), or cropped, mirrored and recoloured, words left out.',
    },
    'light',
  ),
  flip: flag(
    TRAIN,
    {
      group: 'Images',
      describe: 'Mirror images left to right in training. --no-flip: not for digits, letters, or left and right.',
    },
    true,
  ),
};
