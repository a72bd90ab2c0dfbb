/**
 * How pixels become a network's input: (pixel · scale − mean) / std by channel, pixels being 0 … 255. It is read from
 * the model's metadata or a preset, and travels with the exported model under the metadata keys of `METADATA_KEYS`.
 */

import * as z from 'zod';
import { TascnetError } from '../errors.js';
import type { Graph } from '../graph/graph.js';

const sizes = z.int().min(1).max(16_384);

const schema = z
  .object({
    /** Height and width of the input, in pixels. */
    size: z.tuple([sizes, sizes]),
    /** The order of the axes of the network's input, as its file declares it. */
    layout: z.enum(['NCHW', 'NHWC']),
    /** The order of the colours; `L` is grey (ITU-R 601 luma), one channel. */
    channels: z.enum(['RGB', 'BGR', 'L']),
    scale: z.number(),
    /** By channel, in the order of `channels`, after scaling. */
    mean: z.array(z.number()).min(1).max(3),
    /** By channel, in the order of `channels`. */
    std: z.array(z.number().positive()).min(1).max(3),
    /** `squash` to the size, or `crop`: short side to the size, then the centre. */
    resize: z.enum(['squash', 'crop']),
  })
  .refine(({ channels, mean, std }) => [mean, std].every((values) => values.length === channels.length), {
    message: 'mean and std should have one number for each channel',
  });

export type Preprocessing = z.infer<typeof schema>;

/** The metadata keys that a model carries; the values are JSON. */
export const METADATA_KEYS = {
  /** A `Preprocessing` of images or a `TextPreprocessing`. */
  preprocessing: 'tascnet.preprocessing',
  /** The class names by output index: an array of strings. */
  classes: 'tascnet.classes',
  /** The seed that its test samples were kept apart with. */
  seed: 'tascnet.seed',
} as const;

type Values = Pick<Preprocessing, 'channels' | 'scale' | 'mean' | 'std'>;

const PRESETS = {
  /** torchvision and timm: ImageNet mean and deviation of 0 … 1. */
  torchvision: {
    channels: 'RGB',
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  /** Keras `preprocess_input` in mode "caffe": VGG, ResNet. BGR, ImageNet mean, 0 … 255. */
  'keras-caffe': { channels: 'BGR', scale: 1, mean: [103.939, 116.779, 123.68], std: [1, 1, 1] },
  /** Keras `preprocess_input` in mode "tf": MobileNet, Inception. −1 … 1. */
  'keras-tf': { channels: 'RGB', scale: 1 / 127.5, mean: [1, 1, 1], std: [1, 1, 1] },
  '0..1': { channels: 'RGB', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] },
  /** Networks that scale their input themselves. */
  '0..255': { channels: 'RGB', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
} as const satisfies Record<string, Values>;

export type PresetName = keyof typeof PRESETS;
export const PRESET_NAMES = Object.keys(PRESETS) as PresetName[];

/** The grey version of a preset has the mean of its values over the colours. */
function presetValues(name: PresetName, grey: boolean): Values {
  const { channels, scale, mean, std } = PRESETS[name];
  const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return grey
    ? { channels: 'L', scale, mean: [average(mean)], std: [average(std)] }
    : { channels, scale, mean: [...mean], std: [...std] };
}

/** @throws TascnetError when the metadata is there, but is no `Preprocessing`. @returns undefined when it is absent. */
export function preprocessingFrom(metadata: Readonly<Record<string, string>>): Preprocessing | undefined {
  return parsed(metadata, METADATA_KEYS.preprocessing, schema);
}

/** The class names that the model carries, if any. @throws TascnetError when the metadata is no list of names. */
export function classesFrom(metadata: Readonly<Record<string, string>>): string[] | undefined {
  return parsed(metadata, METADATA_KEYS.classes, z.array(z.string()).min(1));
}

/** The seed that the model was made with, if it says one. @throws TascnetError when the metadata is no seed. */
export function seedFrom(metadata: Readonly<Record<string, string>>): number | undefined {
  return parsed(metadata, METADATA_KEYS.seed, z.int().min(0));
}

/** The metadata entries that make a model self-describing; `preprocessingFrom` and `classesFrom` read them back. */
export function toMetadata(preprocessing: Preprocessing, classes: readonly string[]): Record<string, string> {
  return {
    [METADATA_KEYS.preprocessing]: JSON.stringify(checkedPreprocessing(preprocessing)),
    [METADATA_KEYS.classes]: JSON.stringify(classes),
  };
}

/** @throws TascnetError when a field is missing or makes no sense. */
export function checkedPreprocessing(preprocessing: unknown): Preprocessing {
  const result = schema.safeParse(preprocessing);
  if (result.success) return result.data;
  throw new TascnetError(`The preprocessing is wrong: ${problems(result.error)}.`);
}

export interface PreprocessingChoice {
  preset?: PresetName | undefined;
  /** Height and width, in place of the model's own. */
  size?: [number, number] | undefined;
  resize?: Preprocessing['resize'] | undefined;
}

/**
 * The preprocessing of a model: what the caller chose, else what its metadata says, else what its input's shape tells.
 * @throws TascnetError when the model has no image input, or neither the metadata nor a preset tells the scale.
 */
export function preprocessingFor(graph: Graph, choice: PreprocessingChoice = {}): Preprocessing {
  const input = imageInput(graph);
  const stored = preprocessingFrom(graph.metadata);
  const values = choice.preset ? presetValues(choice.preset, input.channels === 1) : stored;
  if (!values)
    throw new TascnetError('The model does not say how its input is scaled, and no preset was chosen.', {
      hint: `Say how it was trained, with --preprocessing: one of ${PRESET_NAMES.join(', ')}.`,
    });
  const size = choice.size ?? stored?.size ?? input.size;
  if (!size)
    throw new TascnetError(`The model's input ${JSON.stringify(input.name)} has no fixed height and width.`, {
      hint: 'Choose an image size with --image-size.',
    });
  return checkedPreprocessing({
    size,
    layout: input.layout,
    channels: values.channels,
    scale: values.scale,
    mean: values.mean,
    std: values.std,
    resize: choice.resize ?? stored?.resize ?? 'squash',
  });
}

/** The image input of a graph: four axes, with one or three channels second or last. */
function imageInput(graph: Graph): {
  name: string;
  layout: Preprocessing['layout'];
  channels: number;
  size: [number, number] | undefined;
} {
  const [input] = graph.inputs;
  const dims = input?.dims;
  if (!input || graph.inputs.length !== 1 || dims?.length !== 4)
    throw new TascnetError(
      `The model should have one input, an image of four axes; it has ${graph.inputs.map((each) => `${each.name} [${each.dims ?? '?'}]`).join(', ') || 'none'}.`,
    );
  const isColour = (extent: unknown) => extent === 1 || extent === 3;
  const layout = isColour(dims[1]) ? 'NCHW' : 'NHWC';
  const [channels, height, width] = layout === 'NCHW' ? dims.slice(1) : [dims[3], dims[1], dims[2]];
  if (!isColour(channels) || typeof channels !== 'number')
    throw new TascnetError(`The model's input "${input.name}" [${dims}] has neither one nor three channels.`);
  const size: [number, number] | undefined =
    typeof height === 'number' && typeof width === 'number' ? [height, width] : undefined;
  return { name: input.name, layout, channels, size };
}

/** A metadata entry. @throws TascnetError when it is not as `type` says. @returns undefined when it is absent. */
export function parsed<T>(metadata: Readonly<Record<string, string>>, key: string, type: z.ZodType<T>): T | undefined {
  const text = metadata[key];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new TascnetError(`The model's metadata "${key}" is no JSON.`, { cause: error });
  }
  const result = type.safeParse(value);
  if (result.success) return result.data;
  throw new TascnetError(`The model's metadata "${key}" is wrong: ${problems(result.error)}.`);
}

function problems(error: z.ZodError): string {
  return error.issues.map((issue) => [issue.path.join('.'), issue.message].filter(Boolean).join(': ')).join('; ');
}
