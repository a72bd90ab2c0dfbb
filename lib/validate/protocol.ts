/** What the parent asks of the ONNX Runtime process, and its answers. */

/** A tensor, row-major, in the model's own order; whole numbers, up to 2²⁴, too are carried as floats. */
export interface WireTensor {
  data: Float32Array;
  dims: number[];
}

export type Request = { id: number } & (
  | { kind: 'configure'; threads: number }
  | { kind: 'load'; model: number; path: string }
  | { kind: 'unload'; model: number }
  | { kind: 'run'; model: number; inputs: WireTensor[] }
  | { kind: 'latency'; models: { model: number; inputs: WireTensor[] }[]; runs: number; warmup: number }
);

export interface Reply {
  id: number;
  value?: WireTensor[] | number[][] | undefined;
  error?: string;
}
