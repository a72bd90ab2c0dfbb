/** Half-precision numbers, the plain way. */

export const HALF_KINDS = ['float16', 'bfloat16'] as const;

function float16(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Number.POSITIVE_INFINITY
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint16(0, bits);
  return view.getFloat32(0);
}

/** The number that bits stand for. */
export const widened = { float16, bfloat16 };

type Kind = (typeof HALF_KINDS)[number];

/** The numbers of bits 0 … 0x7c00 (or 0x7f80), which ascend to infinity. */
const ascending: Record<Kind, Float64Array> = {
  float16: Float64Array.from({ length: 0x7c01 }, (_, bits) => float16(bits)),
  bfloat16: Float64Array.from({ length: 0x7f81 }, (_, bits) => bfloat16(bits)),
};

/** The bits of the number that is nearest to `value`; of two, those that are even. Infinity stands for the next power of two. */
export function nearestHalf(kind: Kind, value: number): number {
  const numbers = ascending[kind];
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  if (Number.isNaN(value)) return 0x7fff;
  const magnitude = Math.abs(value);
  const last = numbers.length - 1;
  const at = (bits: number) => (bits === last ? 2 ** (kind === 'float16' ? 16 : 128) : (numbers[bits] ?? Number.NaN));
  let [below, above] = [0, last];
  while (above - below > 1) {
    const middle = (below + above) >> 1;
    if (at(middle) <= magnitude) below = middle;
    else above = middle;
  }
  const [down, up] = [magnitude - at(below), at(above) - magnitude];
  return sign | (down < up || (down === up && below % 2 === 0) ? below : above);
}
