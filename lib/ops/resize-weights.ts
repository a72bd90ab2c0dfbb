/** Where each output element of a resized axis takes its value from (ONNX Resize, versions 13 to 19). */

export type ResizeMode = 'nearest' | 'linear' | 'cubic';

export interface AxisResize {
  mode: ResizeMode;
  /** `coordinate_transformation_mode`. */
  coordinates: string;
  nearest: string;
  cubicA: number;
  excludeOutside: boolean;
  input: number;
  output: number;
  /** Output over input extent, as given or as it follows from the sizes. */
  scale: number;
}

/** The extent that a scale gives: ONNX Runtime multiplies in single precision, where 0.7 · 10 is 7. */
export function scaledExtent(input: number, scale: number): number {
  return Math.floor(Math.fround(input * Math.fround(scale)));
}

/** The position in the input of output element `index`; undefined for a mode that is not known. */
export function sourceCoordinate(axis: AxisResize, index: number): number | undefined {
  const { input, output, scale } = axis;
  switch (axis.coordinates) {
    case 'half_pixel':
      return (index + 0.5) / scale - 0.5;
    case 'half_pixel_symmetric': {
      const adjustment = output / (scale * input);
      return (input / 2) * (1 - adjustment) + (index + 0.5) / scale - 0.5;
    }
    case 'pytorch_half_pixel':
      return output > 1 ? (index + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return output > 1 ? (index * (input - 1)) / (output - 1) : 0;
    case 'asymmetric':
      return index / scale;
    default:
      return undefined;
  }
}

/** Weights of output × input elements, row-major: out = weights · in. */
export function resizeMatrix(axis: AxisResize): Float32Array {
  const { input, output } = axis;
  const weights = new Float32Array(input * output);
  for (let index = 0; index < output; index++) {
    const taps = tapsAt(axis, sourceCoordinate(axis, index) ?? 0);
    for (const [position, weight] of taps) {
      const at = index * input + Math.min(Math.max(position, 0), input - 1);
      weights[at] = (weights[at] ?? 0) + weight;
    }
  }
  return weights;
}

function tapsAt(axis: AxisResize, x: number): [number, number][] {
  if (axis.mode === 'nearest') return [[nearestIndex(axis.nearest, x), 1]];
  if (axis.mode === 'linear') {
    const inside = Math.min(Math.max(x, 0), axis.input - 1);
    const low = Math.floor(inside);
    return [
      [low, 1 - (inside - low)],
      [low + 1, inside - low],
    ];
  }
  const low = Math.floor(x);
  const taps = [-1, 0, 1, 2].map((offset): [number, number] => [
    low + offset,
    keys(Math.abs(x - low - offset), axis.cubicA),
  ]);
  if (!axis.excludeOutside) return taps;
  const inside = taps.filter(([position]) => position >= 0 && position < axis.input);
  const total = inside.reduce((sum, [, weight]) => sum + weight, 0);
  return inside.map(([position, weight]) => [position, weight / total]);
}

/** `nearest_mode`: which neighbour of a position between two elements. */
function nearestIndex(mode: string, x: number): number {
  // Quotients such as 3 / 0.6 land a hair beside the integer or half that exact arithmetic gives.
  const halves = Math.round(2 * x);
  const exact = Math.abs(2 * x - halves) < 1e-6 ? halves / 2 : x;
  if (mode === 'floor') return Math.floor(exact);
  if (mode === 'ceil') return Math.ceil(exact);
  return mode === 'round_prefer_ceil' ? Math.floor(exact + 0.5) : Math.ceil(exact - 0.5);
}

/** The cubic convolution kernel (Keys 1981, eq. 4) at distance `d`. */
function keys(d: number, a: number): number {
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
